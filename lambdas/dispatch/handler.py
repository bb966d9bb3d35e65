"""The Lambda entry point that reads the stream of actions of one use case, and decides."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from glue import PlatformError
from glue.actions import DISPATCH, Dispatching
from glue.catalog import DEAD_LETTERS
from lambdas import latency
from lambdas.adapters import clock, kinesis
from lambdas.adapters.actions import DynamoActions
from lambdas.adapters.queues import SqsQueues
from lambdas.dispatch.deciding import Decide, Record
from lambdas.dispatch.limits import Limits
from lambdas.ports.actions import Place
from lambdas.settings import Settings

logger = Logger(service="dispatch")
metrics = Metrics()


class UndecidedError(PlatformError):
    """Records were not decided or not enqueued, and must be delivered again."""


class Handler:
    """Returns the records to deliver again, and fails if that is all of them."""

    def __init__(self, decide: Decide) -> None:
        self._decide = decide

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
        records = [_record(KinesisStreamRecord(raw)) for raw in event["Records"]]
        undone = self._decide(records)
        logger.info("decided", extra={"records": len(records), "undone": len(undone)})

        def settle(record: KinesisStreamRecord) -> None:
            if record.kinesis.sequence_number in undone:
                raise UndecidedError(record.kinesis.sequence_number)

        processor = BatchProcessor(event_type=EventType.KinesisDataStreams)
        return process_partial_response(event, settle, processor, context)


def _record(raw: KinesisStreamRecord) -> Record:
    place = Place(
        stream=(raw.event_source_arn or "").rpartition("/")[2],
        shard=(raw.event_id or "").partition(":")[0],
        sequence_number=raw.kinesis.sequence_number,
    )
    arrived_at = datetime.fromtimestamp(raw.kinesis.approximate_arrival_timestamp, UTC)
    return Record(place, raw.kinesis.data_as_bytes(), arrived_at)


@cache
def bootstrap() -> Handler:
    """The function's parts, from its environment; built at its first call."""
    settings = Settings.from_environment()
    use_case = settings.action("use_case")
    return Handler(
        Decide(
            use_case=use_case,
            limits=Limits.of(Dispatching.parse(settings.parameters)),
            destinations=tuple(settings.queues),
            store=DynamoActions(settings.table(use_case, DISPATCH)),
            queues=SqsQueues(settings.queues),
            letters=kinesis.KinesisStream(kinesis.client()),
            dead_letters=settings.stream(use_case, DEAD_LETTERS),
            clock=clock.now,
            count=_count,
            latency=partial(latency.add, metrics),
        )
    )


def _count(outcome: str, number: int) -> None:
    metrics.add_metric(name=f"Actions{outcome.title()}", unit=MetricUnit.Count, value=number)


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """AWS Lambda's entry point."""
    return bootstrap()(event, context)
