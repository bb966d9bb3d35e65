"""The audit function: called each few minutes, reports how many minutes do not balance."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

import usecases
from glue.targets import dynamodb
from lambdas.adapters import clock
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.balance import Limits, Minute, minutes
from lambdas.settings import Settings

# For this long after it closed, a minute that does not balance keeps the alarm raised.
LOOKED_AT = timedelta(days=1)

logger = Logger(service="audit")
metrics = Metrics()


class Audit:
    """Reads the ledger of each use case that has outcomes."""

    def __init__(self, settings: Settings, store: DynamoStore, ledger: DynamoReceipts) -> None:
        catalog = usecases.load(settings.use_cases)
        configured = catalog.configured(settings.parameters)
        self._limits = {name: Limits.of(configured[name]) for name in settings.audited}
        self._progress = settings.progress_table
        self._store, self._ledger = store, ledger

    def __call__(self, now: datetime) -> list[Minute]:
        """The minutes that do not balance."""
        return [m for name in self._limits for m in self._minutes(name, now) if not m.balances]

    def _minutes(self, use_case: str, now: datetime) -> list[Minute]:
        limits = self._limits[use_case]
        item = self._store.get(self._progress, {"use_case": {"S": use_case}})
        watermark = dynamodb.watermark(item)
        if watermark is None:
            return []
        span = (now - limits.closed - LOOKED_AT, now)
        return [*minutes(self._ledger, use_case, span, watermark, limits)]


@cache
def bootstrap() -> Audit:
    """The function's parts, from its environment; built at its first call."""
    settings = Settings.from_environment()
    return Audit(settings, DynamoStore(), DynamoReceipts(settings.ledger_table))


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """AWS Lambda's entry point."""
    unbalanced = bootstrap()(clock.now())
    for minute in unbalanced:
        logger.error("a minute does not balance", extra=minute.as_dict())
    metrics.add_metric(name="UnbalancedMinutes", unit=MetricUnit.Count, value=len(unbalanced))
    return {"unbalanced": len(unbalanced)}
