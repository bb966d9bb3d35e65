"""Clients of the emulator; each request is held to the service's own model."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from sdpctl.errors import CommandError, overloaded, refused
from sdpctl.local import service_models
from sdpctl.settings import Settings

service_models.install()  # before boto3 makes its session


CONNECT_SECONDS = 2
READ_SECONDS = 30
_READ_SECONDS = re.compile(r"read timeout=(\d+)")


_creation = threading.Lock()


def client(settings: Settings, service: str, *, read_seconds: int | None = None) -> Any:
    """A boto3 client of the emulator; it gives up soon, because the emulator is on this machine.

    One for each service, shared between threads.
    """
    with _creation:  # boto3's default session is not made for several threads, its clients are
        return _created(settings, service, read_seconds)


@cache  # creating one costs more than most calls do
def _created(settings: Settings, service: str, read_seconds: int | None) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=_endpoint(settings, service),
        region_name=settings.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS if read_seconds is None else read_seconds,
            retries={"total_max_attempts": 2},
        ),
    )


def _endpoint(settings: Settings, service: str) -> str:
    """The emulator has no SageMaker: that is a process of its own."""
    ours = service in ("sagemaker", "sagemaker-runtime")
    return settings.sagemaker_endpoint if ours else settings.endpoint


def unanswered(error: BotoCoreError | ClientError) -> CommandError:
    """Why a call of a service had no result: overload is not absence."""
    if isinstance(error, ClientError):
        return CommandError(error.response["Error"].get("Message") or str(error))
    if isinstance(error, ReadTimeoutError | ConnectTimeoutError):
        return overloaded(str(error.kwargs["endpoint_url"]), _waited(error))
    if isinstance(error, EndpointConnectionError):
        return refused(str(error.kwargs["endpoint_url"]))
    return CommandError(str(error))


def _waited(error: BotoCoreError) -> float:
    match = _READ_SECONDS.search(str(error))
    return float(match[1]) if match else CONNECT_SECONDS
