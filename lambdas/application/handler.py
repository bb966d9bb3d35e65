"""The two functions of the custom resource, on the CDK's provider framework."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.adapters.flink import ManagedFlink
from lambdas.application.lifecycle import Applications, Request, begin, complete

logger = Logger(service="application")


@cache
def bootstrap() -> Applications:
    """The control plane; its client is made at the first call."""
    return ManagedFlink()


def on_event(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Starts or stops; the application's name is the resource's id, so a new name replaces it."""
    request, name = _asked(event)
    logger.info("asked", extra={"request": request, "application": name})
    begin(bootstrap(), request, name)
    return {"PhysicalResourceId": name}


def is_complete(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Asked again and again until it says so, or raises."""
    request, name = _asked(event)
    done = complete(bootstrap(), request, name)
    logger.info("waited for", extra={"request": request, "application": name, "done": done})
    return {"IsComplete": done}


def _asked(event: dict[str, Any]) -> tuple[Request, str]:
    return Request(event["RequestType"]), event["ResourceProperties"]["ApplicationName"]
