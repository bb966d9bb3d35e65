"""The persist function: Kinesis batches of every result stream and of progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
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

import usecases
from glue import PlatformError
from glue.catalog import DEAD_LETTERS
from lambdas.adapters import clock, kinesis
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.persist.stream import StreamRecord
from lambdas.persist.writing import Persist
from lambdas.settings import Settings
from lambdas.tables import Tables

# Reserved for the response when writes are retried until the invocation's time is up.
MARGIN_MS = 5_000

logger = Logger(service="persist")
metrics = Metrics()


class UnfinishedError(PlatformError):
    """The record was not written in time and must be delivered again."""


class Handler:
    """Returns the records to deliver again, and fails if that is all of them."""

    def __init__(self, persist: Persist, streams: dict[str, str]) -> None:
        """`streams` maps a stream's name to its "use case/stream"."""
        self._persist = persist
        self._streams = streams

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
        records = [self.record(KinesisStreamRecord(raw)) for raw in event["Records"]]
        undone = self._persist(records, _until(context))
        logger.info("persisted", extra={"records": len(records), "undone": len(undone)})

        def settle(record: KinesisStreamRecord) -> None:
            if record.kinesis.sequence_number in undone:
                raise UnfinishedError(record.kinesis.sequence_number)

        processor = BatchProcessor(event_type=EventType.KinesisDataStreams)
        return process_partial_response(event, settle, processor, context)

    def record(self, raw: KinesisStreamRecord) -> StreamRecord:
        """The delivered record, with the use case and stream of its ARN."""
        stream = (raw.event_source_arn or "").rpartition("/")[2]
        use_case, _, kind = self._streams[stream].partition("/")
        return StreamRecord(
            use_case=use_case,
            kind=kind,
            stream=stream,
            shard=(raw.event_id or "").partition(":")[0],
            sequence_number=raw.kinesis.sequence_number,
            data=raw.kinesis.data_as_bytes(),
        )


def _until(context: LambdaContext) -> Callable[[int], bool]:
    """Backs off between rounds, while the invocation has time for another one.

    Not every event source honours a partial batch response, so that is the last resort.
    """

    def again(rounds: int) -> bool:
        wait_ms = min(100 * 2**rounds, MARGIN_MS)
        if context.get_remaining_time_in_millis() < wait_ms + MARGIN_MS:
            return False
        time.sleep(wait_ms / 1000)
        return True

    return again


@cache
def bootstrap() -> Handler:
    """The function's parts, from its environment; built at its first call."""
    settings = Settings.from_environment()
    catalog = usecases.load(settings.use_cases)
    persist = Persist(
        catalog=catalog,
        tables=Tables(settings.tables, settings.progress_table, settings.ledger_table),
        store=DynamoStore(),
        letters=kinesis.KinesisStream(kinesis.client()),
        dead_letters={u.name: settings.stream(u.name, DEAD_LETTERS) for u in catalog.use_cases},
        clock=clock.now,
        count=_count,
    )
    return Handler(persist, {name: key for key, name in settings.streams.items()})


def _count(dead_letters: int) -> None:
    metrics.add_metric(name="DeadLetters", unit=MetricUnit.Count, value=dead_letters)


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """AWS Lambda's entry point."""
    return bootstrap()(event, context)
