"""Calls of a SageMaker endpoint, with a short timeout: there is a fallback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.ports.endpoint import EndpointUnavailable
from lambdas.ports.training import Document

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

JSON = "application/json"


class SageMakerEndpoint:
    """The `Endpoint` of predictions and of the smoke test; `read_timeout` in seconds."""

    def __init__(
        self, client: SageMakerRuntimeClient | None = None, *, read_timeout: float = 2.0
    ) -> None:
        config = Config(
            connect_timeout=1,
            read_timeout=read_timeout,
            retries={"total_max_attempts": 1},
            max_pool_connections=4,
        )
        self._client: Any = client or boto3.client("sagemaker-runtime", config=config)

    def invoke(self, name: str, body: Document) -> dict[str, Any]:
        """The response; raises EndpointUnavailable if it does not arrive in time."""
        try:
            response = self._client.invoke_endpoint(
                EndpointName=name, Body=json.dumps(body), ContentType=JSON, Accept=JSON
            )
            answer: dict[str, Any] = json.loads(response["Body"].read())
        except (ClientError, BotoCoreError, ValueError) as error:
            raise EndpointUnavailable(f"{name}: {error}") from error
        return answer
