"""The Lambda entry point for MQTT: batches of messages, and messages that a rule could not store.

It fails if anything is not stored in time: the batch is delivered again, and what was stored has
the same event_id, so it counts once.
"""

from __future__ import annotations

import base64
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

import usecases
from glue import PlatformError
from glue.mqtt import MQTT
from lambdas.adapters import clock, kinesis
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.dead_letters import Source
from lambdas.ingest.ledger import BatchLedger
from lambdas.ingest.messages import Messages, Put, all_of
from lambdas.ports.ledger import Batch, Receipts, minute_of
from lambdas.ports.stream import Stream
from lambdas.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

MARGIN_MS = 10_000  # one more attempt may take this long
logger = Logger()
metrics = Metrics()
# Whether there is time for another attempt after this number of them; it may wait.
Again = Callable[[int], bool]


class UnfinishedError(PlatformError):
    """Records were not stored in time and must be delivered again."""


class Handler:
    """`names`: "use case/stream" → the stream's name in the deployment."""

    def __init__(
        self,
        messages: Mapping[str, Messages],
        stream: Stream,
        names: Mapping[str, str],
        clock: Callable[[], datetime],
        count: Callable[[int, int], None] = lambda accepted, rejected: None,
        ledger: BatchLedger | None = None,
    ) -> None:
        """Without a `ledger` nothing is counted."""
        self._messages, self._stream, self._names = messages, stream, names
        self._clock, self._count, self._ledger = clock, count, ledger
        self._sources = {names[f"{use_case}/{MQTT}"]: use_case for use_case in messages}

    def __call__(self, event: Mapping[str, Any], again: Again) -> None:
        """Store what follows from the event. Raises UnfinishedError."""
        now = self._clock()
        if "Records" in event:
            read = [*self._batch(event["Records"], now)]
            puts = [put for _, put in read]
            self._counted(puts, self._receipts(read), again)
        else:  # nothing of it is an event
            puts = [*self._failed(event, now)]
            self._store(puts, again)
        accepted = sum(put.accepted for put in puts)
        self._count(accepted, len(puts) - accepted)

    def _batch(
        self, records: Iterable[Mapping[str, Any]], now: datetime
    ) -> Iterator[tuple[Source, Put]]:
        for record in records:
            stream = str(record["eventSourceARN"]).rpartition("/")[2]
            shard = str(record["eventID"]).partition(":")[0]
            source = Source(stream, shard, record["kinesis"]["sequenceNumber"])
            data = base64.b64decode(record["kinesis"]["data"])
            for put in self._messages[self._sources[stream]].puts(data, source, now):
                yield source, put

    def _receipts(self, read: Iterable[tuple[Source, Put]]) -> list[Receipts]:
        """What the batch is to be counted as: the messages of each minute, by shard."""
        parts: dict[tuple[str, str, datetime], list[tuple[int, bool]]] = defaultdict(list)
        for source, put in read:
            if put.received_at is not None:
                place = (self._sources[source.stream], source.shard or "")
                number = int(source.sequence_number)
                parts[*place, minute_of(put.received_at)].append((number, put.accepted))
        return [_receipts(*place, part) for place, part in parts.items()]

    def _counted(self, puts: Sequence[Put], receipts: Sequence[Receipts], again: Again) -> None:
        """Store them, and count what becomes of them."""
        if self._ledger is None:
            self._store(puts, again)
            return
        self._ledger.intend(receipts)
        try:
            self._store(puts, again)
        except UnfinishedError:
            self._ledger.settle(receipts, stored=False)
            raise
        self._ledger.settle(receipts, stored=True)

    def _failed(self, event: Mapping[str, Any], now: datetime) -> Iterator[Put]:
        """A message of a rule's error action, in the form that AWS IoT Core gives it."""
        topic, payload = event["topic"], base64.b64decode(event["base64OriginalPayload"])
        for use_case, messages in self._messages.items():
            if topic.startswith(f"{messages.mqtt.root}/"):
                stream = self._names[f"{use_case}/{MQTT}"]
                source = Source(stream, None, event["cloudwatchTraceId"])
                causes = "; ".join(f"{f['errorMessage']}" for f in event["failures"])
                yield messages.failed(topic, payload, source, f"not stored: {causes}", now)

    def _store(self, puts: Sequence[Put], again: Again) -> None:
        pending, attempts = puts, 0
        while pending := self._attempt(pending):
            attempts += 1
            if not again(attempts):
                raise UnfinishedError(f"{len(pending)} of {len(puts)} records are not stored")

    def _attempt(self, puts: Sequence[Put]) -> list[Put]:
        """Returns what is not stored, in order."""
        by_stream: dict[str, list[Put]] = {}
        for put in puts:
            by_stream.setdefault(put.stream, []).append(put)
        left: list[Put] = []
        for stream, group in by_stream.items():
            reasons = self._stream.put(self._names[stream], [put.entry for put in group])
            left += [put for put, reason in zip(group, reasons, strict=True) if reason]
            if any(reasons):
                causes = sorted({reason for reason in reasons if reason})
                logger.error("records not stored", extra={"stream": stream, "causes": causes})
        return left


def _receipts(
    use_case: str, shard: str, minute: datetime, read: Sequence[tuple[int, bool]]
) -> Receipts:
    numbers = [number for number, _ in read]
    batch = Batch(shard, min(numbers), max(numbers))
    accepted = sum(is_accepted for _, is_accepted in read)
    refused = len(read) - accepted
    return Receipts(use_case, minute, batch.instance, refused=refused, pending=accepted)


def _until(context: LambdaContext) -> Again:
    def again(attempts: int) -> bool:
        if context.get_remaining_time_in_millis() < 2 * MARGIN_MS:
            return False
        time.sleep(min(0.1 * 2**attempts, 2.0))
        return True

    return again


@cache
def bootstrap() -> Handler:
    """The function's parts, from its environment; built at its first call."""
    settings = Settings.from_environment()
    catalog = usecases.load(settings.use_cases)
    return Handler(
        all_of(catalog, catalog.configured(settings.parameters)),
        kinesis.KinesisStream(kinesis.client()),
        settings.streams,
        clock.now,
        _count,
        BatchLedger(DynamoReceipts(settings.ledger_table), clock.now, _missed),
    )


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Entry point."""
    bootstrap()(event, _until(context))


def _missed(reason: str) -> None:
    logger.error("ledger not written", extra={"reason": reason})
    metrics.add_metric(name="LedgerMissed", unit=MetricUnit.Count, value=1)


def _count(accepted: int, rejected: int) -> None:
    metrics.add_metric(name="Accepted", unit=MetricUnit.Count, value=accepted)
    metrics.add_metric(name="Rejected", unit=MetricUnit.Count, value=rejected)
