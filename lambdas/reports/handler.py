"""The reports function behind API Gateway."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

import usecases
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.http.gateway import Respond, behind_gateway
from lambdas.reports.app import create_app
from lambdas.settings import Settings
from lambdas.tables import Tables

logger = Logger(service="reports")


@cache
def bootstrap() -> Respond:
    """The function's parts, from its environment; built at its first call."""
    settings = Settings.from_environment()
    catalog = usecases.load(settings.use_cases)
    tables = Tables(settings.tables, settings.progress_table)
    parameters = catalog.configured(settings.parameters)
    app = create_app(catalog, DynamoStore(), parameters, tables)
    return behind_gateway(app)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """AWS Lambda's entry point."""
    answer = bootstrap()(event, context)
    logger.info("answered", extra={"path": event.get("path"), "status": answer["statusCode"]})
    return answer
