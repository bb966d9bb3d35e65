"""The functions of the two custom resources, on the CDK's provider framework."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from glue.state import from_properties
from lambdas.adapters import clock
from lambdas.adapters.flink import ManagedFlink
from lambdas.adapters.stacks import CloudFormationStacks
from lambdas.application import restoring
from lambdas.application.lifecycle import Request, begin, complete
from lambdas.ports.applications import Applications, Stacks, Wait

logger = Logger(service="application")


@cache
def bootstrap() -> Applications:
    """The control plane; its clients are made at the first call."""
    return ManagedFlink()


@cache
def bootstrap_stacks() -> Stacks:
    """CloudFormation; its client is made at the first call."""
    return CloudFormationStacks()


def check_state(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Raises if the new version would lose state; a resource of its own, before the application.

    While CloudFormation undoes an update, the earlier version is the new one: it passes.
    """
    request, name = _request(event)
    undone = request is Request.UPDATE and bootstrap_stacks().is_rolling_back(event["StackId"])
    logger.info("check", extra={"request": request, "application": name, "undone": undone})
    if request is not Request.DELETE and not undone:
        properties = event["ResourceProperties"]
        operators = from_properties(properties.get("Operators", {}))
        restoring.check(bootstrap(), name, operators, properties["StateLoss"])
    return {"PhysicalResourceId": f"{name}-state"}


def on_event(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Starts or stops. The application's name is the resource's id, so a new name replaces it.

    The framework passes `Since` on to `is_complete`.
    """
    request, name = _request(event)
    since = clock.now()
    logger.info("request", extra={"request": request, "application": name})
    allowed = event["ResourceProperties"].get("StateLoss") == restoring.ALLOW
    begin(bootstrap(), request, name, allow_state_loss=allowed)
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
