"""Endpoints: created, called, and moved to another model without a call that fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.errors import CommandError
from sdpctl.local.sagemaker import serving
from sdpctl.local.sagemaker.errors import ApiError, invalid
from sdpctl.local.sagemaker.models import CONFIG, MODEL
from sdpctl.local.sagemaker.objects import S3Files
from sdpctl.local.sagemaker.resources import Account, moment, only, page
from sdpctl.local.sagemaker.serving import Answer, NotServing, Worker
from sdpctl.local.sagemaker.store import Document, Store

KIND = "endpoint"
CHANGING = ("Creating", "Updating")
log = logging.getLogger("sdp.sagemaker")


class Endpoints:
    """One serving process for each endpoint, of its configuration's first variant."""

    def __init__(
        self, store: Store, account: Account, objects: S3Files, home: Path, logs: Path
    ) -> None:
        self._store, self._account, self._objects = store, account, objects
        self._home, self._logs = home, logs
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
        self._say(name, EndpointStatus="Updating", FailureReason=None)
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
        _retire(old)
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
        """Bring up again what was there when the process ended."""
        for endpoint in self._store.all(KIND):
            name = endpoint["EndpointName"]
            if endpoint["EndpointStatus"] in CHANGING:
                self._begin(name, endpoint["EndpointConfigName"])
            elif endpoint["EndpointStatus"] == "InService":
                threading.Thread(target=self._revive, args=(name,), daemon=True).start()

    def close(self) -> None:
        """End every process."""
        for worker in self._workers.values():
            worker.end()

    def _entered(self, name: str) -> Worker:
        """The endpoint's worker, counted as called under the lock that swaps are made under."""
        worker = self._enter(name)
        if worker is None:
            self._revive(name)
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

    def _revive(self, name: str) -> None:
        """Start the process of an endpoint whose process died; its callers wait for it."""
        with self._reviving:
            endpoint = self._store.get(KIND, name)
            if endpoint is None or endpoint["EndpointStatus"] == "Creating":
                raise ApiError("ValidationError", f"Endpoint {name} of account not found.")
            worker = self._workers.get(name)
            if endpoint["EndpointStatus"] == "InService" and not (worker and worker.alive):
                log.warning("endpoint %s: its process is gone; starting another", name)
                self._bring_up(name, endpoint["EndpointConfigName"])

    def _begin(self, name: str, config: str) -> None:
        threading.Thread(target=self._bring_up, args=(name, config), daemon=True).start()

    def _bring_up(self, name: str, config: str) -> None:
        """Start, check, switch, and drain what served before."""
        try:
            worker = self._start(name, config)
        except (CommandError, BotoCoreError, ClientError, OSError, KeyError) as error:
            log.warning("endpoint %s: %s: %s", name, config, error)
            status = "InService" if name in self._workers else "Failed"
            self._say(name, EndpointStatus=status, FailureReason=str(error)[:1024])
            return
        with self._lock:
            old = self._workers.get(name)
            self._workers[name] = worker
        self._say(name, EndpointStatus="InService", EndpointConfigName=config)
        log.info("endpoint %s serves %s", name, config)
        _retire(old)

    def _start(self, name: str, config: str) -> Worker:
        configuration = self._store.get(CONFIG.kind, config) or {}
        model = self._store.get(MODEL.kind, configuration["ProductionVariants"][0]["ModelName"])
        if model is None:
            raise NotServing(f"the model of {config} is gone")
        log_file = self._logs / f"endpoint-{name}.log"
        return serving.start(model, self._objects, self._home, log_file)

    def _config(self, request: Document) -> str:
        name = str(request.get("EndpointConfigName"))
        if self._store.get(CONFIG.kind, name) is None:
            raise invalid(f"Could not find endpoint configuration {name!r}.")
        return name

    def _say(self, name: str, **facts: object) -> None:
        if self._store.get(KIND, name):
            self._store.change(KIND, name, LastModifiedTime=moment(), **facts)


def _retire(worker: Worker | None) -> None:
    if worker:
        threading.Thread(target=worker.drain, daemon=True).start()


def _model_error(answer: Answer) -> ApiError:
    text = answer.body.decode(errors="replace")
    return ApiError(
        "ModelError",
        f'Received server error ({answer.status}) from primary with message "{text}".',
        424,
        OriginalStatusCode=answer.status,
        OriginalMessage=text,
    )
