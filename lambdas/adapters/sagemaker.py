"""SageMaker's control plane: jobs, models, the endpoint, the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from lambdas.ports.training import Document

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

CONFIG = Config(connect_timeout=3, read_timeout=20, retries={"mode": "standard", "max_attempts": 4})
# SageMaker has no error code of its own for a name that is taken or unknown.
TAKEN = ("already existing", "already exist", "must be unique")
UNKNOWN = ("could not find", "does not exist", "not found")


class SageMaker:
    """The `Jobs` and `Models` of retraining."""

    def __init__(self, client: SageMakerClient | None = None) -> None:
        self._client: Any = client or boto3.client("sagemaker", config=CONFIG)

    def create_job(self, request: Document) -> None:
        """Start it; a job of that name that already exists counts as started."""
        _unless_taken(lambda: self._client.create_training_job(**request))

    def job(self, name: str) -> Document:
        """As SageMaker describes it."""
        job: Document = self._client.describe_training_job(TrainingJobName=name)
        return job

    def create_model(self, request: Document) -> None:
        """Create it unless it exists."""
        _unless_taken(lambda: self._client.create_model(**request))

    def create_config(self, request: Document) -> None:
        """Create it unless it exists."""
        _unless_taken(lambda: self._client.create_endpoint_config(**request))

    def endpoint(self, name: str) -> Document | None:
        """As SageMaker describes it; None if there is none."""
        try:
            endpoint: Document = self._client.describe_endpoint(EndpointName=name)
        except ClientError as error:
            if _says(error, UNKNOWN):
                return None
            raise
        return endpoint

    def create_endpoint(self, name: str, config: str) -> None:
        """Make it."""
        _unless_taken(
            lambda: self._client.create_endpoint(EndpointName=name, EndpointConfigName=config)
        )

    def update_endpoint(self, name: str, config: str) -> None:
        """Move it to another configuration."""
        self._client.update_endpoint(EndpointName=name, EndpointConfigName=config)

    def delete_endpoint(self, name: str) -> None:
        """Remove it."""
        self._client.delete_endpoint(EndpointName=name)

    def create_group(self, name: str) -> None:
        """Create the package group unless it exists."""
        _unless_taken(lambda: self._client.create_model_package_group(ModelPackageGroupName=name))

    def create_package(self, request: Document) -> str:
        """Register a version; its ARN, the same for the same ClientToken."""
        # SageMaker drops a token after some hours; a step may be repeated after days.
        for package in self.packages(request["ModelPackageGroupName"]):
            if package.get("ModelPackageDescription") == request["ModelPackageDescription"]:
                return str(package["ModelPackageArn"])
        return str(self._client.create_model_package(**request)["ModelPackageArn"])

    def packages(self, group: str) -> list[Document]:
        """Every package of a group as SageMaker describes it, newest first; empty if no group."""
        pages = self._client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
        )
        try:
            arns = [p["ModelPackageArn"] for page in pages for p in page["ModelPackageSummaryList"]]
        except ClientError as error:
            if _says(error, UNKNOWN):
                return []
            raise
        return [self._client.describe_model_package(ModelPackageName=arn) for arn in arns]

    def approve(self, arn: str, status: str, description: str) -> None:
        """Set a package's approval."""
        self._client.update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus=status, ApprovalDescription=description
        )


def _unless_taken(call: Callable[[], object]) -> None:
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("ResourceInUse", "ConflictException") and not _says(error, TAKEN):
            raise


def _says(error: ClientError, words: tuple[str, ...]) -> bool:
    message = error.response["Error"]["Message"].lower()
    return any(word in message for word in words)
