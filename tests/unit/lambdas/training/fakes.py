"""The outside of retraining in memory; what the tests change by hand are plain attributes.

Requests are held to SageMaker's own model: what the service refuses is refused here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.session import Session

from lambdas.lakestore.objects import StoredObject
from lambdas.model_names import Names
from lambdas.ports.training import Document, Partition, Row
from sdpctl.local import service_models

NAMES = Names("sdp", "adtech", "lake")
ROLE = "arn:aws:iam::000000000000:role/sdp-model"
SAGEMAKER = Session().get_service_model("sagemaker")


def held(operation: str, **request: Any) -> None:
    """RefusedRequest where SageMaker would refuse the request."""
    service_models.check(request, SAGEMAKER.operation_model(operation))


@dataclass
class Objects:
    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, key: str) -> tuple[bytes, str] | None:
        return (self.files[key], "") if key in self.files else None

    def write(self, key: str, content: bytes, content_type: str = "") -> None:
        self.files[key] = content

    def copy(self, source: str, key: str) -> None:
        self.files[key] = self.files[source]

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        keys = sorted(key for key in self.files if key.startswith(prefix))
        return (StoredObject(key, len(self.files[key])) for key in keys)


@dataclass
class Lake:
    """`answers`: the first words a query has in it → rows."""

    answers: dict[str, list[Row]] = field(default_factory=dict)
    found: list[Partition] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def query(self, sql: str) -> list[Row]:
        self.requested.append(sql)
        return next((rows for words, rows in self.answers.items() if words in sql), [])

    def partitions(self, table: str, since: str) -> list[Partition]:
        return [p for p in self.found if p.date >= since]


@dataclass
class Models:
    """SageMaker without time: an endpoint arrives when `arrive` is called."""

    made: dict[str, Document] = field(default_factory=dict)
    configs: dict[str, Document] = field(default_factory=dict)
    registry: list[dict[str, Any]] = field(default_factory=list)
    at: dict[str, Any] | None = None
    target: str = ""

    def create_model(self, request: Document) -> None:
        held("CreateModel", **request)
        self.made.setdefault(request["ModelName"], request)

    def create_config(self, request: Document) -> None:
        held("CreateEndpointConfig", **request)
        self.configs.setdefault(request["EndpointConfigName"], request)

    def endpoint(self, name: str) -> Document | None:
        return self.at

    def create_endpoint(self, name: str, config: str) -> None:
        held("CreateEndpoint", EndpointName=name, EndpointConfigName=config)
        self.at, self.target = {"EndpointStatus": "Creating", "EndpointConfigName": config}, config

    def update_endpoint(self, name: str, config: str) -> None:
        held("UpdateEndpoint", EndpointName=name, EndpointConfigName=config)
        assert self.at and self.at["EndpointStatus"] == "InService"
        self.at, self.target = {**self.at, "EndpointStatus": "Updating"}, config

    def delete_endpoint(self, name: str) -> None:
        self.at = None

    def arrive(self, *, well: bool = True) -> None:
        assert self.at
        if well:
            self.at = {"EndpointStatus": "InService", "EndpointConfigName": self.target}
        else:
            self.at = {**self.at, "EndpointStatus": "InService", "FailureReason": "no ping"}

    def create_group(self, name: str) -> None:
        held("CreateModelPackageGroup", ModelPackageGroupName=name)

    def create_package(self, request: Document) -> str:
        held("CreateModelPackage", **request)
        version = request["ModelPackageDescription"]
        arn = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{version}/1"
        if arn not in [p["ModelPackageArn"] for p in self.registry]:
            self.registry.insert(0, {**request, "ModelPackageArn": arn})
        return arn

    def packages(self, group: str) -> list[Document]:
        return list(self.registry)

    def approve(self, arn: str, status: str, description: str) -> None:
        held(
            "UpdateModelPackage",
            ModelPackageArn=arn,
            ModelApprovalStatus=status,
            ApprovalDescription=description,
        )
        for package in self.registry:
            if package["ModelPackageArn"] == arn:
                package["ModelApprovalStatus"] = status

    def approval(self, version: str) -> str:
        found = {p["ModelPackageDescription"]: p["ModelApprovalStatus"] for p in self.registry}
        return str(found[version])


def registered(models: Models, version: str, approval: str = "PendingManualApproval") -> str:
    """The ARN of a version in the registry."""
    return models.create_package(
        {"ModelPackageDescription": version, "ModelApprovalStatus": approval}
    )


class Running:
    """Executions: those that run."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)

    def running(self, name: str) -> bool:
        """Whether it is one of them."""
        return name in self.names


@dataclass
class Jobs:
    requests: dict[str, Document] = field(default_factory=dict)
    described: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def create_job(self, request: Document) -> None:
        held("CreateTrainingJob", **request)
        self.requests.setdefault(request["TrainingJobName"], request)

    def job(self, name: str) -> Document:
        return self.described[name]
