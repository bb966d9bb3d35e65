"""From a model to the endpoint that serves it, and back: deploy, test, promote, roll back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from glue.errors import PlatformError
from glue.instants import from_millis, to_millis, to_wire
from glue.models import Model
from lambdas.lakestore.objects import Objects, content
from lambdas.model_names import Names
from lambdas.ports.endpoint import Endpoint
from lambdas.ports.training import Document, Models
from lambdas.training import champion as pointer
from lambdas.training.announcing import Announcer
from lambdas.training.champion import Champion

VARIANT = "primary"
FALLBACK = "fallback.json"
MOVING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
PROBES = (1, 100, 10_000, 1_000_000)


class ReleaseError(PlatformError):
    """The version is unknown or cannot be served."""


@dataclass(frozen=True)
class Serving:
    """How a model is served. Endpoints are serverless: nothing runs while there are no requests."""

    image: str
    role: str
    memory_mib: int
    concurrency: int


@dataclass(frozen=True)
class Release:
    """What the steps of a release share; `announcer`, where a stream scores by the champion."""

    models: Models
    objects: Objects
    names: Names
    serving: Serving
    announcer: Announcer | None = None

    def deploy(self, version: str) -> dict[str, Any]:
        """Create model and configuration, and update the endpoint; `moving` if it is busy."""
        config = self._configured(version)
        name = self.names.endpoint
        endpoint = self.models.endpoint(name)
        if endpoint is None:
            self.models.create_endpoint(name, config)
        elif endpoint["EndpointStatus"] in MOVING:
            return {"moving": endpoint.get("EndpointConfigName") != config, "config": config}
        elif endpoint["EndpointStatus"] == "Failed":
            self.models.delete_endpoint(name)
            return {"moving": True, "config": config}
        elif endpoint["EndpointConfigName"] != config:
            self.models.update_endpoint(name, config)
        return {"moving": False, "config": config}

    def look(self, config: str) -> dict[str, Any]:
        """Whether the endpoint serves that configuration: InService, Moving or Failed."""
        endpoint = self.models.endpoint(self.names.endpoint) or {"EndpointStatus": "gone"}
        status, reason = endpoint["EndpointStatus"], str(endpoint.get("FailureReason", ""))
        if status in MOVING:
            return {"status": "Moving", "reason": ""}
        if status == "InService" and endpoint["EndpointConfigName"] == config:
            return {"status": "InService", "reason": ""}
        return {"status": "Failed", "reason": reason or f"the endpoint is {status}"}

    def promote(self, version: str, arn: str, now: datetime) -> dict[str, Any]:
        """Make the version the champion and approve its package."""
        current = pointer.read(self.objects, self.names)
        if current is None or current.version != version:
            pointer.write(self.objects, self.names, self._champion(version, arn, now, current))
        announced = self._announce(version, now)
        self.models.approve(arn, "Approved", f"in service since {to_wire(now)}")
        return {
            "version": version,
            "previous": current.version if current else None,
            **announced,
        }

    def _announce(self, version: str, now: datetime) -> dict[str, Any]:
        if self.announcer is None:
            return {}
        instant = self.announcer.announce(version, to_millis(now))
        return {"scores_from": to_wire(from_millis(instant))}

    def roll_back(self, version: str, reason: str) -> dict[str, Any]:
        """Undo a release that failed: the champion serves again, the version is rejected."""
        current = pointer.read(self.objects, self.names)
        if current is not None and current.version == version:
            return {"champion": version}  # it failed after its promotion, so it is in service
        for package in self._packages(version):
            self.models.approve(
                package["ModelPackageArn"], "Rejected", " ".join(reason.split())[:1000]
            )
        endpoint = self.models.endpoint(self.names.endpoint)
        if endpoint is None:
            return {"champion": current and current.version}
        if endpoint["EndpointStatus"] in MOVING:
            raise ReleaseError("the endpoint is being updated; try again when that is done")
        if current is None:
            self.models.delete_endpoint(self.names.endpoint)
        elif endpoint["EndpointConfigName"] != current.config:
            self.models.update_endpoint(self.names.endpoint, current.config)
        return {"champion": current and current.version}

    def switch(self, version: str, now: datetime, *, force: bool = False) -> dict[str, Any]:
        """Put a registered version in service; a refused one only with `force`.

        Raises ReleaseError, also for one that the gate has found no model in.
        """
        packages = self._packages(version)
        if not packages:
            raise ReleaseError(f"{version!r} is not in the registry")
        if packages[0]["ModelApprovalStatus"] == "Rejected":
            self._check_forced(version, force)
        deployed = self.deploy(version)
        if deployed["moving"]:
            raise ReleaseError("the endpoint is being updated; try again when that is done")
        promoted = self.promote(version, packages[0]["ModelPackageArn"], now)
        del promoted["previous"]
        return {**promoted, "config": deployed["config"]}

    def _check_forced(self, version: str, force: bool) -> None:
        if not force:
            raise ReleaseError(f"{version} was refused; promote it with --force")
        if content(self.objects, self.names.key(version, FALLBACK)) is None:
            raise ReleaseError(
                f"{version} has no model that can be used; './sdp model show {version}' says why"
            )

    def champion(self) -> str | None:
        """The version in service; None before the first."""
        current = pointer.read(self.objects, self.names)
        return current.version if current else None

    def former(self) -> str:
        """The version before the champion. Raises ReleaseError if there is none."""
        current = pointer.read(self.objects, self.names)
        if current is None or current.previous is None:
            raise ReleaseError("there is no previous version to go back to")
        return current.previous

    def _packages(self, version: str) -> list[Document]:
        packages = self.models.packages(self.names.endpoint)
        return [p for p in packages if p.get("ModelPackageDescription") == version]

    def _champion(
        self, version: str, arn: str, now: datetime, current: Champion | None
    ) -> Champion:
        return Champion(
            version=version,
            config=self.names.resource(version),
            package_arn=arn,
            fallback=self.names.key(version, FALLBACK),
            promoted_at=to_wire(now),
            previous=current.version if current else None,
        )

    def _configured(self, version: str) -> str:
        name, data = self.names.resource(version), self.names.key(version, "model.tar.gz")
        self.models.create_model(
            {
                "ModelName": name,
                "ExecutionRoleArn": self.serving.role,
                "PrimaryContainer": {
                    "Image": self.serving.image,
                    "ModelDataUrl": self.names.uri(data),
                    "Environment": {
                        "SAGEMAKER_PROGRAM": "inference.py",
                        # A model includes the code that it was trained with.
                        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                    },
                },
            }
        )
        variant = {
            "VariantName": VARIANT,
            "ModelName": name,
            "ServerlessConfig": {
                "MemorySizeInMB": self.serving.memory_mib,
                "MaxConcurrency": self.serving.concurrency,
            },
        }
        self.models.create_config({"EndpointConfigName": name, "ProductionVariants": [variant]})
        return name


def smoke_test(endpoint: Endpoint, names: Names, model: Model, version: str) -> dict[str, Any]:
    """Send a few requests. Raises ReleaseError if version, count, range or order is wrong."""
    numbers = {p.name for p in model.parameters if not p.category}
    instances = [
        {p.name: probe if p.name in numbers else "smoke-test" for p in model.parameters}
        for probe in PROBES
    ]
    answer = endpoint.invoke(names.endpoint, {"instances": instances})
    scores = [prediction["score"] for prediction in answer["predictions"]]
    if answer["model_version"] != version:
        raise ReleaseError(f"the endpoint serves {answer['model_version']}, not {version}")
    if len(scores) != len(instances) or not all(0 <= score <= 1 for score in scores):
        raise ReleaseError(f"{len(instances)} instances, scores {scores}")
    if model.definition.increasing and scores != sorted(scores):
        raise ReleaseError(f"the scores must not fall, but do: {scores}")
    return {"scores": scores}
