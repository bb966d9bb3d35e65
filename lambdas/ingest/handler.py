"""The Lambda entry point: composes the API from real parts on the first call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from fastapi import FastAPI

import usecases
from lambdas import latency
from lambdas.adapters import clock, kinesis
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.http.gateway import TEXT, Respond, behind_gateway
from lambdas.ingest.app import create_app
from lambdas.ingest.ledger import DoorLedger
from lambdas.ports.ledger import ReceiptStore
from lambdas.ports.stream import Entry, Stream
from lambdas.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_kinesis import KinesisClient

logger = Logger()
metrics = Metrics()


class DeployedStreams:
    """The stream port, with "use case/stream" turned into the deployment's names."""

    def __init__(self, stream: Stream, settings: Settings) -> None:
        self._stream = stream
        self._settings = settings

    def put(self, stream: str, entries: Sequence[Entry]) -> list[str | None]:
        """As the port documents; records that could not be stored are logged."""
        use_case, _, name = stream.partition("/")
        deployed = self._settings.stream(use_case, name)
        reasons = self._stream.put(deployed, entries)
        if any(reasons):
            causes = sorted({reason for reason in reasons if reason})
            logger.error("records not stored", extra={"stream": deployed, "causes": causes})
        return reasons


def compose(app: FastAPI) -> Respond:
    """The function from an API Gateway event to its response."""
    respond = behind_gateway(app, (*TEXT, "text/"))
    return lambda event, context: respond(_encodable(event), context)


def _encodable(event: dict[str, Any]) -> dict[str, Any]:
    """The event; a body with invalid UTF-8 is passed as bytes, which the JSON parser refuses."""
    body = event.get("body")
    if isinstance(body, str) and not event.get("isBase64Encoded"):
        return {**event, "body": body.encode("utf-8", "surrogatepass")}
    return event


@cache
def _composed() -> Respond:
    settings = Settings.from_environment()
    return composed(settings, kinesis.client(), DynamoReceipts(settings.ledger_table))


def composed(settings: Settings, client: KinesisClient, receipts: ReceiptStore) -> Respond:
    """The function, as `compose`, over Kinesis and the ledger's table."""
    ledger = DoorLedger(receipts, _missed)
    stream = kinesis.KinesisStream(client, before=ledger.catch_up)
    catalog = usecases.load(settings.use_cases)
    app = create_app(
        catalog=catalog,
        stream=DeployedStreams(stream, settings),
        clock=clock.now,
        count=_count,
        parameters=catalog.configured(settings.parameters),
        ledger=ledger,
    )
    return compose(app)


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point."""
    received = clock.now()
    response = _composed()(event, context)
    latency.add(metrics, "Door", clock.now() - received)
    return response


def _missed(reason: str) -> None:
    logger.error("ledger not written", extra={"reason": reason})
    metrics.add_metric(name="LedgerMissed", unit=MetricUnit.Count, value=1)


def _count(accepted: int, rejected: int) -> None:
    metrics.add_metric(name="Accepted", unit=MetricUnit.Count, value=accepted)
    metrics.add_metric(name="Rejected", unit=MetricUnit.Count, value=rejected)
