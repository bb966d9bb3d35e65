"""The retraining of a use case for commands: runs, the registry, and switching models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from glue import UseCase
from lambdas.model_names import Names
from sdpctl import deployment
from sdpctl.errors import CommandError

MANUAL = "manual"
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Place:
    """A use case's model in one deployment; `clients` creates its boto3 clients."""

    clients: Callable[[str], Any]
    outputs: Mapping[str, str]
    prefix: str
    use_case: str

    @property
    def names(self) -> Names:
        """Every name of the model."""
        return Names(self.prefix, self.use_case, self.outputs["LakeBucket"])

    def start(self, now: datetime, run_input: Mapping[str, Any]) -> str:
        """Start a run and return its ARN."""
        name = run_name(now)
        body = json.dumps({"reason": MANUAL, **run_input})
        states = self.clients("stepfunctions")
        return str(
            states.start_execution(stateMachineArn=self.machine, name=name, input=body)[
                "executionArn"
            ]
        )

    @property
    def machine(self) -> str:
        """The ARN of the workflow. Raises CommandError if it is not deployed."""
        name = f"{self.prefix}-{self.use_case}-retrain"
        pages = self.clients("stepfunctions").get_paginator("list_state_machines").paginate()
        for page in pages:
            for machine in page["stateMachines"]:
                if machine["name"] == name:
                    return str(machine["stateMachineArn"])
        raise CommandError(f"state machine {name} does not exist; run 'make up'")

    def upload(self, path: Path, now: datetime) -> str:
        """Upload a model archive and return its key."""
        key = f"{self.names.root}/given/{_to_milliseconds(now)}/model.tar.gz"
        self.clients("s3").upload_file(str(path), self.names.bucket, key)
        return key

    def execution(self, arn: str) -> dict[str, Any]:
        """The current state of the run."""
        run: dict[str, Any] = self.clients("stepfunctions").describe_execution(executionArn=arn)
        return run

    def steps(self, arn: str, after: int) -> Iterator[tuple[int, str]]:
        """Steps that started after that event: the event's number, the state's name."""
        states = self.clients("stepfunctions")
        pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
        for page in pages:
            for event in page["events"]:
                if event["id"] > after and "stateEnteredEventDetails" in event:
                    yield event["id"], event["stateEnteredEventDetails"]["name"]

    def release(self, step: str, **given: Any) -> dict[str, Any]:
        """Call the function that updates the endpoint. Raises CommandError with its reason."""
        return self._invoke("Release", {"step": step, **given})

    def decide(self) -> dict[str, Any]:
        """Call the function that starts runs. Raises CommandError with its reason."""
        return self._invoke("Decide", {})

    def _invoke(self, function: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.clients("lambda").invoke(
            FunctionName=self._output(function), Payload=json.dumps(payload)
        )
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise CommandError(str(result.get("errorMessage", result)))
        return result

    def packages(self) -> list[dict[str, Any]]:
        """Every version in the registry, newest first."""
        registry = self.clients("sagemaker")
        try:
            pages = registry.get_paginator("list_model_packages").paginate(
                ModelPackageGroupName=self.names.endpoint, SortOrder="Descending"
            )
            arns = [p["ModelPackageArn"] for page in pages for p in page["ModelPackageSummaryList"]]
        except registry.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return []
            raise
        return [registry.describe_model_package(ModelPackageName=arn) for arn in arns]

    def champion(self) -> dict[str, Any] | None:
        """The pointer to the version in service."""
        return self.document(self.names.champion)

    def document(self, key: str) -> dict[str, Any] | None:
        """A JSON object of the lake's bucket; None if there is none."""
        body = self.file(key)
        return None if body is None else json.loads(body)

    def file(self, key: str) -> bytes | None:
        """An object of the lake's bucket; None if there is none."""
        s3 = self.clients("s3")
        try:
            content: bytes = s3.get_object(Bucket=self.names.bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        return content

    def _output(self, what: str) -> str:
        return self.outputs[what + self.use_case.title().replace("-", "")]


def run_name(now: datetime) -> str:
    """The name of a run that is started by hand; two of one second are two."""
    return f"{MANUAL}-{_to_milliseconds(now)}"


def place(use_case: str | None, region: str | None) -> Place:
    """The model of a use case (default: the first with one) in the commands' deployment."""
    topology = deployment.topology(region)
    use_case_name = _modelled(list(topology.catalog.use_cases), use_case)

    def clients(service: str) -> Any:
        return deployment.client(service, region)

    outputs = deployment.outputs(region)
    if "LakeBucket" not in outputs:
        raise CommandError("the platform is not deployed; run 'make up'")
    return Place(clients, outputs, topology.prefix, use_case_name.name)


def _modelled(use_cases: list[UseCase], name: str | None) -> UseCase:
    with_model = [u for u in use_cases if u.model is not None]
    for use_case in with_model:
        if name in (None, use_case.name):
            return use_case
    choices = [u.name for u in with_model]
    if name is None:
        raise CommandError("no use case has a model")
    raise CommandError(f"use case {name!r} has no model; use cases with one: {choices}")


def _to_milliseconds(time: datetime) -> str:
    """A time in the letters that a name may have."""
    return f"{time:%Y%m%dt%H%M%S}{time.microsecond // 1000:03d}"
