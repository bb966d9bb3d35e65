"""The page's function behind API Gateway."""

from __future__ import annotations

import json
import os
from functools import cache, partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

import usecases
from glue import Catalog
from glue.actions import DISPATCH
from glue.targets.dynamodb import Item
from lambdas.adapters import clock
from lambdas.adapters.action_log import DynamoActionLog
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.adapters.ingestion import PublicApi
from lambdas.adapters.lake_rows import AthenaRows
from lambdas.adapters.metrics import CloudWatchMetrics
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.adapters.registry import StoredModels
from lambdas.adapters.replays import DynamoReplays
from lambdas.dashboard.app import create_app
from lambdas.dashboard.flows import Flows
from lambdas.dashboard.models import Models
from lambdas.dashboard.views import Sources
from lambdas.http.gateway import Respond, behind_gateway
from lambdas.replaying import Door
from lambdas.settings import Settings

logger = Logger(service="dashboard")


@cache
def bootstrap() -> Respond:
    """The function's parts, from its environment; built at its first call."""
    settings = Settings.from_environment()
    catalog = usecases.load(settings.use_cases)
    lake = AthenaRows(settings.databases, json.loads(os.environ.get("SDP_WORKGROUPS", "{}")))
    sources = _sources(settings, catalog, lake)
    parameters = catalog.configured(settings.parameters)
    return behind_gateway(create_app(catalog, lake, parameters, clock.now, sources))


def _sources(settings: Settings, catalog: Catalog, lake: AthenaRows) -> Sources:
    prefix, store = os.environ.get("SDP_PREFIX", ""), DynamoStore()
    return Sources(
        lake=lake,
        flows=Flows(CloudWatchMetrics(), prefix),
        models=Models(StoredModels(settings.lake_bucket), prefix, settings.lake_bucket),
        actions={
            use_case.name: DynamoActionLog(settings.table(use_case.name, DISPATCH))
            for use_case in catalog.use_cases
            if use_case.actions is not None
        },
        ledger=DynamoReceipts(settings.ledger_table),
        progress=partial(_progress, store, settings.progress_table),
        audited=settings.audited,
        replays=DynamoReplays(settings.ledger_table),
        door=Door(_public_api().post),
    )


def _public_api() -> PublicApi:
    variables = os.environ
    return PublicApi(
        variables.get("SDP_INGESTION_URL", ""),
        variables.get("SDP_INGESTION_KEY_ID", ""),
        # The platform on one machine has it elsewhere.
        variables.get("AWS_ENDPOINT_URL_EXECUTE_API", ""),
    )


def _progress(store: DynamoStore, table: str, use_case: str) -> Item | None:
    return store.get(table, {"use_case": {"S": use_case}})


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """AWS Lambda's entry point."""
    answer = bootstrap()(event, context)
    logger.info("answered", extra={"path": event.get("path"), "status": answer["statusCode"]})
    return answer
