"""Endpoints: created, called, and moved to another model without a call that fails."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.errors import CommandError
from sdpctl.local.sagemaker import serving
from sdpctl.local.sagemaker.background import Background
from sdpctl.local.sagemaker.errors import ApiError, invalid
from sdpctl.local.sagemaker.models import CONFIG, MODEL
from sdpctl.local.sagemaker.objects import S3Files
from sdpctl.local.sagemaker.resources import Account, moment, only, page
from sdpctl.local.sagemaker.serving import Answer, NotServing, Worker
from sdpctl.local.sagemaker.store import Document, Store

KIND = "endpoint"
CHANGING = ("Creating", "Updating")
SERVING = ("InService", "Updating")
CANNOT_START = (CommandError, BotoCoreError, ClientError, OSError, KeyError)
log = logging.getLogger("sdp.sagemaker")


class Endpoints:
    """One serving process for each endpoint, of its configuration's first variant."""

    def __init__(
        self,
        store: Store,
        account: Account,
        objects: S3Files,
        background: Background,
        home: Path,
        logs: Path,
    ) -> None:
        self._store, self._account, self._objects = store, account, objects
        self._background, self._home, self._logs = background, home, logs
        self._lock = threading.Lock()
        self._reviving = threading.Lock()
        self._workers: dict[str, Worker] = {}

    @property
    def calls(self) -> dict[str, Callable[[Document], Document]]:
        """By their names in the API."""
        return {
            "CreateEndpoint": self.create,
            "UpdateEndpoint": self.update,
            "DescribeEndpoint": self.describe,
            "DeleteEndpoint": self.delete,
            "ListEndpoints": self.list,
        }

    def create(self, request: Document) -> Document:
        """The endpoint comes up in the background."""
        name, config = request["EndpointName"], self._config(request)
        arn = self._account.arn(KIND, name)
        endpoint = {
            "EndpointName": name,
            "EndpointArn": arn,
            "EndpointConfigName": config,
            "EndpointStatus": "Creating",
            "CreationTime": moment(),
            "LastModifiedTime": moment(),
        }
        if not self._store.create(KIND, name, endpoint):
            raise invalid(f"Cannot create already existing endpoint {arn!r}.")
        self._begin(name, config)
        return {"EndpointArn": arn}

    def update(self, request: Document) -> Document:
        """Another configuration takes over once it answers; one that does not is given up."""
        endpoint, config = self.describe(request), self._config(request)
        if endpoint["EndpointStatus"] in CHANGING:
            raise invalid(f"Cannot update in-progress endpoint {endpoint['EndpointArn']!r}.")
        name = endpoint["EndpointName"]
        pending = {"EndpointConfigName": config, "StartTime": moment()}
        self._say(
            name, EndpointStatus="Updating", FailureReason=None, PendingDeploymentSummary=pending
        )
        self._begin(name, config)
        return {"EndpointArn": endpoint["EndpointArn"]}

    def describe(self, request: Document) -> Document:
        """The endpoint as it stands."""
        name = str(request.get("EndpointName"))
        endpoint = self._store.get(KIND, name)
        if endpoint is None:
            raise invalid(f"Could not find endpoint {name!r}.")
        return {k: v for k, v in endpoint.items() if v is not None}

    def delete(self, request: Document) -> Document:
        """The endpoint is gone; its process ends after the calls under way."""
        endpoint = self.describe(request)
        if endpoint["EndpointStatus"] in CHANGING:
            raise invalid(f"Cannot update in-progress endpoint {endpoint['EndpointArn']!r}.")
        self._store.delete(KIND, endpoint["EndpointName"])
        with self._lock:
            old = self._workers.pop(endpoint["EndpointName"], None)
        self._retire(old)
        return {}

    def list(self, request: Document) -> Document:
        """Summaries, newest first."""
        part = request.get("NameContains", "")
        endpoints = [e for e in self._store.all(KIND) if part in e["EndpointName"]]
        names = ("EndpointName", "EndpointArn", "EndpointStatus")
        return page(
            endpoints,
            request,
            "Endpoints",
            lambda e: only(e, *names, "CreationTime", "LastModifiedTime"),
        )

    def invoke(self, name: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Call the model; ApiError as the runtime's API has it."""
        for last in (False, True):
            worker = self._entered(name)
            try:
                answer = worker.call(body, headers)
            except NotServing as error:
                if last:
                    raise ApiError("ServiceUnavailable", str(error), 503) from error
                continue
            finally:
                worker.leave()
            if answer.status != 200:
                raise _model_error(answer)
            return answer
        raise AssertionError("the second attempt returns or raises")

    def resume(self) -> None:
        """Bring up again what was there when the process ended; it may have left its files."""
        shutil.rmtree(self._home, ignore_errors=True)
        for endpoint in self._store.all(KIND):
            name = endpoint["EndpointName"]
            if endpoint["EndpointStatus"] == "Creating":
                self._begin(name, endpoint["EndpointConfigName"])
            elif endpoint["EndpointStatus"] in SERVING:
                self._background.thread(self._warm, name)
            if endpoint["EndpointStatus"] == "Updating":
                update = endpoint.get("PendingDeploymentSummary") or endpoint
                self._begin(name, update["EndpointConfigName"])

    def close(self) -> None:
        """End every process and remove its files."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.end()

    def _entered(self, name: str) -> Worker:
        """The endpoint's worker, counted as called under the lock that swaps are made under."""
        worker = self._enter(name)
        if worker is None:
            try:
                self._revive(name)
            except ApiError:
                raise
            except CANNOT_START as error:  # the next call tries again
                raise ApiError("ServiceUnavailable", f"endpoint {name}: {error}", 503) from error
            worker = self._enter(name)
        if worker is None:
            raise ApiError("ServiceUnavailable", f"endpoint {name} is not in service", 503)
        return worker

    def _enter(self, name: str) -> Worker | None:
        with self._lock:
            worker = self._workers.get(name)
            if worker is None or not worker.alive:
                return None
            worker.enter()
            return worker

    def _warm(self, name: str) -> None:
        try:
            self._revive(name)
        except CANNOT_START as error:  # the first call tries again
            log.warning("endpoint %s: %s", name, error)

    def _revive(self, name: str) -> None:
        """Start the process of an endpoint whose process died; its callers wait for it."""
        with self._reviving:
            endpoint = self._store.get(KIND, name)
            if endpoint is None or endpoint["EndpointStatus"] == "Creating":
                raise ApiError("ValidationError", f"Endpoint {name} of account not found.")
            with self._lock:
                gone = self._workers.get(name)
            if endpoint["EndpointStatus"] not in SERVING or (gone and gone.alive):
                return
            log.info("endpoint %s has no process; starting one", name)
            self._put(name, self._start(name, endpoint["EndpointConfigName"]), gone)

    def _begin(self, name: str, config: str) -> None:
        self._background.thread(self._bring_up, name, config)

    def _bring_up(self, name: str, config: str) -> None:
        """Start, check, switch, and drain what served before."""
        ended: Document = {"EndpointStatus": "InService", "PendingDeploymentSummary": None}
        try:
            worker = self._start(name, config)
        except CANNOT_START as error:
            if self.describe({"EndpointName": name})["EndpointStatus"] == "Creating":
                ended["EndpointStatus"] = "Failed"
            self._say(name, **ended, FailureReason=str(error)[:1024])
            log.warning("endpoint %s: %s: %s", name, config, error)
            return
        with self._lock:
            old = self._workers.get(name)
            self._workers[name] = worker
        self._say(name, **ended, EndpointConfigName=config)
        log.info("endpoint %s serves %s", name, config)
        self._retire(old)

    def _put(self, name: str, fresh: Worker, gone: Worker | None) -> None:
        """Serve with the fresh process, unless another does by now or the endpoint is deleted."""
        with self._lock:
            wanted = self._workers.get(name) is gone and self._store.get(KIND, name) is not None
            if wanted:
                self._workers[name] = fresh
        self._retire(gone if wanted else fresh)

    def _retire(self, worker: Worker | None) -> None:
        if worker:
            self._background.thread(worker.drain)

    def _start(self, name: str, config: str) -> Worker:
        configuration = self._store.get(CONFIG.kind, config) or {}
        model = self._store.get(MODEL.kind, configuration["ProductionVariants"][0]["ModelName"])
        if model is None:
            raise NotServing(f"the model of {config} is gone")
        log_file = self._logs / f"endpoint-{name}.log"
        return serving.start(model, self._objects, self._background, self._home, log_file)

    def _config(self, request: Document) -> str:
        name = str(request.get("EndpointConfigName"))
        if self._store.get(CONFIG.kind, name) is None:
            raise invalid(f"Could not find endpoint configuration {name!r}.")
        return name

    def _say(self, name: str, **facts: object) -> None:
        if self._store.get(KIND, name):
            self._store.change(KIND, name, LastModifiedTime=moment(), **facts)


def _model_error(answer: Answer) -> ApiError:
    text = answer.body.decode(errors="replace")
    return ApiError(
        "ModelError",
        f'Received server error ({answer.status}) from primary with message "{text}".',
        424,
        OriginalStatusCode=answer.status,
        OriginalMessage=text,
    )
