"""The definitions function behind API Gateway."""

from __future__ import annotations

import json
import os
from functools import cache
from importlib import resources
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

import usecases
from glue.instants import to_millis
from lambdas.adapters import clock
from lambdas.adapters.business_events import LakeBusinessEvents
from lambdas.adapters.definitions import DynamoDefinitions
from lambdas.definitions.app import create_app
from lambdas.http.gateway import Respond, behind_gateway
from lambdas.settings import Settings

logger = Logger(service="definitions")


@cache
def bootstrap() -> Respond:
    """The function's parts, from its environment; built at its first call."""
    # CEL reads time zones from files: those of the bundle, wherever the function runs.
    os.environ.setdefault("TZDIR", str(resources.files("tzdata") / "zoneinfo"))
    settings = Settings.from_environment()
    catalog = usecases.load(settings.use_cases)
    lake = LakeBusinessEvents(
        catalog, settings.databases, json.loads(os.environ.get("SDP_WORKGROUPS", "{}"))
    )
    app = create_app(
        catalog,
        DynamoDefinitions(),
        settings.tables,
        catalog.configured(settings.parameters),
        lake,
        lambda: to_millis(clock.now()),
    )
    return behind_gateway(app)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """AWS Lambda's entry point."""
    answer = bootstrap()(event, context)
    logger.info("answered", extra={"path": event.get("path"), "status": answer["statusCode"]})
    return answer
