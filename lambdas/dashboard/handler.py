"""The page's function behind API Gateway."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

import usecases
from lambdas.adapters import clock
from lambdas.adapters.lake_rows import AthenaRows
from lambdas.dashboard.app import create_app
from lambdas.http.gateway import Respond, behind_gateway
from lambdas.settings import Settings

logger = Logger(service="dashboard")


@cache
def bootstrap() -> Respond:
    """The function's parts, from its environment; built at its first call."""
    settings = Settings.from_environment()
    catalog = usecases.load(settings.use_cases)
    lake = AthenaRows(settings.databases, json.loads(os.environ.get("SDP_WORKGROUPS", "{}")))
    app = create_app(catalog, lake, catalog.configured(settings.parameters), clock.now)
    return behind_gateway(app)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """AWS Lambda's entry point."""
    answer = bootstrap()(event, context)
    logger.info("answered", extra={"path": event.get("path"), "status": answer["statusCode"]})
    return answer
