"""Refuses what SageMaker refuses: requests that break the service's own model."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.model import OperationModel, ServiceModel
from botocore.session import Session

from sdpctl.local.sagemaker.errors import ApiError, invalid
from sdpctl.local.sagemaker.store import Document
from sdpctl.local.service_models import summary, violations


def check(operation: str, request: Any) -> Document:
    """The request of a call of SageMaker; ApiError, as the service words it, where it is wrong."""
    if not isinstance(request, dict):
        raise ApiError("SerializationException", "the body must be a JSON object")
    problems = violations(_operation("sagemaker", operation), request)
    if problems:
        raise invalid(summary(problems))
    return request


def check_invocation(endpoint: str, body: bytes) -> None:
    """The same for a call of an endpoint; the runtime has an error code of its own."""
    request = {"EndpointName": endpoint, "Body": body}
    problems = violations(_operation("sagemaker-runtime", "InvokeEndpoint"), request)
    if problems:
        raise ApiError("ValidationError", summary(problems))


@cache
def _operation(service: str, name: str) -> OperationModel:
    return _model(service).operation_model(name)


@cache
def _model(service: str) -> ServiceModel:
    return Session().get_service_model(service)
