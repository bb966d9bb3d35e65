"""The versions of models: SageMaker's registry, and the documents stored beside each model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.adapters import objects
from lambdas.adapters.sagemaker import UNKNOWN
from lambdas.lakestore.objects import content
from lambdas.ports.model_registry import RegistryUnavailable, VersionPage

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "max_attempts": 3})


class StoredModels:
    """The `ModelRegistry` of one deployment."""

    def __init__(
        self,
        bucket: str,
        registry: SageMakerClient | None = None,
        store: objects.BucketObjects | None = None,
    ) -> None:
        self._registry: Any = registry or boto3.client("sagemaker", config=CONFIG)
        self._objects = store or objects.BucketObjects(
            objects.client(connect_seconds=3, read_seconds=5, attempts=3), bucket
        )

    def page(self, group: str, limit: int, after: str | None) -> VersionPage:
        """As the port documents."""
        token = {"NextToken": after} if after else {}
        try:
            answer = self._registry.list_model_packages(
                ModelPackageGroupName=group,
                SortBy="CreationTime",
                SortOrder="Descending",
                MaxResults=limit,
                **token,
            )
            arns = [each["ModelPackageArn"] for each in answer["ModelPackageSummaryList"]]
            found = [self._registry.describe_model_package(ModelPackageName=arn) for arn in arns]
        except ClientError as error:
            if any(word in str(error).lower() for word in UNKNOWN):
                return VersionPage([], None)
            raise RegistryUnavailable(f"{group}: {error}") from error
        except BotoCoreError as error:
            raise RegistryUnavailable(f"{group}: {error}") from error
        return VersionPage(found, answer.get("NextToken"))

    def document(self, key: str) -> dict[str, Any] | None:
        """As the port documents."""
        try:
            body = content(self._objects, key)
        except (ClientError, BotoCoreError) as error:
            raise RegistryUnavailable(f"{key}: {error}") from error
        found: dict[str, Any] | None = None if body is None else json.loads(body)
        return found
