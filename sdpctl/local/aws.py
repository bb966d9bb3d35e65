"""Clients of the emulator; each request is held to the service's own model."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from sdpctl.local import service_models
from sdpctl.settings import Settings

service_models.install()  # before boto3 makes its session


@cache  # making one costs more than most calls do
def client(settings: Settings, service: str, *, read_seconds: int = 60) -> Any:
    """A boto3 client of the emulator; it gives up soon, because the emulator is on this machine.

    One for each service, shared between threads.
    """
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=_endpoint(settings, service),
        region_name=settings.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            connect_timeout=2, read_timeout=read_seconds, retries={"total_max_attempts": 2}
        ),
    )


def _endpoint(settings: Settings, service: str) -> str:
    """The emulator has no SageMaker: that is a process of its own."""
    ours = service in ("sagemaker", "sagemaker-runtime")
    return settings.sagemaker_endpoint if ours else settings.endpoint
