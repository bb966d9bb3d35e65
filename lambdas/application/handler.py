"""The two functions of the custom resource, on the CDK's provider framework."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.adapters import clock
from lambdas.adapters.flink import ManagedFlink
from lambdas.application.lifecycle import Request, begin, complete
from lambdas.ports.applications import Applications, Wait

logger = Logger(service="application")


@cache
def bootstrap() -> Applications:
    """The control plane; its clients are made at the first call."""
    return ManagedFlink()


def on_event(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Starts or stops. The application's name is the resource's id, so a new name replaces it.

    The framework passes `Since` on to `is_complete`.
    """
    request, name = _request(event)
    since = clock.now()
    logger.info("request", extra={"request": request, "application": name})
    begin(bootstrap(), request, name)
    return {"PhysicalResourceId": name, "Since": since.isoformat()}


def is_complete(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Called every few seconds until it returns true or raises."""
    request, name = _request(event)
    seconds = int(event["ResourceProperties"].get("MetricSeconds", "60"))
    wait = Wait(
        since=datetime.fromisoformat(event["Since"]),
        now=clock.now(),
        period=timedelta(seconds=seconds),
    )
    done = complete(bootstrap(), request, name, wait)
    logger.info("waited", extra={"request": request, "application": name, "done": done})
    return {"IsComplete": done}


def _request(event: dict[str, Any]) -> tuple[Request, str]:
    return Request(event["RequestType"]), event["ResourceProperties"]["ApplicationName"]
