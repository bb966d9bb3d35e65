"""An outage of DynamoDB for an hour loses nothing, with the event source as the template has it."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

import usecases
from glue.instants import EPOCH
from lambdas.persist.handler import Handler
from lambdas.persist.writing import Persist
from lambdas.ports.report_store import StoreUnavailable
from lambdas.ports.stream import Entry
from lambdas.ports.upserts import Upsert
from lambdas.tables import Tables
from tests.infrastructure.conftest import Synthesis

STREAM = "sdp-adtech-aggregates"
# Lambda doubles the pause between two deliveries of a batch, up to a minute.
LONGEST_PAUSE = timedelta(minutes=1)


@dataclass
class Table:
    """DynamoDB that is down until `up`."""

    up: timedelta
    now: timedelta = timedelta()
    written: list[Upsert] = field(default_factory=list)

    def put(self, upserts: Sequence[Upsert]) -> None:
        if self.now < self.up:
            raise StoreUnavailable("down")
        self.written += upserts


class Letters(list[Any]):
    """The stream of dead letters."""

    def put(self, stream: str, entries: list[Entry]) -> list[str | None]:
        self.extend(entries)
        return [None] * len(entries)


class Context:
    """An invocation with no time left for rounds of its own."""

    def get_remaining_time_in_millis(self) -> int:
        return 0


@dataclass
class EventSource:
    """Lambda's event source mapping of one shard: retries, splits and discards as it is set."""

    settings: dict[str, Any]
    handle: Handler
    table: Table
    retention: timedelta
    discarded: list[dict[str, Any]] = field(default_factory=list)

    def run(self, records: list[dict[str, Any]]) -> None:
        batches, attempts, pause = deque([records]), 0, timedelta(seconds=1)
        while batches:
            batch = batches.popleft()
            left = self._deliver(batch)
            if not left:
                attempts, pause = 0, timedelta(seconds=1)
                continue
            attempts += 1
            if self._given_up(attempts):
                self.discarded += left
                continue
            half = len(left) // 2 if self.settings["BisectBatchOnFunctionError"] else 0
            batches.extendleft(reversed([part for part in (left[:half], left[half:]) if part]))
            self.table.now += pause
            pause = min(2 * pause, LONGEST_PAUSE)

    def _given_up(self, attempts: int) -> bool:
        most = self.settings.get("MaximumRetryAttempts", -1)
        age = self.settings.get("MaximumRecordAgeInSeconds", -1)
        expired = self.table.now > self.retention
        return expired or 0 <= most < attempts or 0 <= age < self.table.now.total_seconds()

    def _deliver(self, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What must be delivered again: all from the first record that failed on."""
        try:
            answer = self.handle({"Records": batch}, Context())  # type: ignore[arg-type]
        except BatchProcessingError:
            return batch
        failed = {f["itemIdentifier"] for f in answer["batchItemFailures"]}
        numbers = [r["kinesis"]["sequenceNumber"] for r in batch]
        first = next((i for i, number in enumerate(numbers) if number in failed), len(batch))
        return batch[first:]


def _record(number: int, content: bytes) -> dict[str, Any]:
    return {
        "kinesis": {
            "sequenceNumber": str(number),
            "data": base64.b64encode(content).decode(),
            "approximateArrivalTimestamp": 1772359200,
        },
        "eventID": f"shardId-0:{number}",
        "eventSource": "aws:kinesis",
        "eventSourceARN": f"arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}",
    }


def _row(campaign: int) -> bytes:
    counts = {"bids": 1, "impressions": 0, "clicks": 0, "spend": 0}
    versioning = {"version": 1, "generation": 0}
    row = {"campaign_item_id": campaign, "period": 300, **counts, **versioning}
    return json.dumps(row).encode()


@pytest.fixture
def source(synthesis: Synthesis) -> EventSource:
    reporting = synthesis.stack("sdp-us-east-1-reporting")
    (settings,) = (
        s
        for s in reporting.properties("AWS::Lambda::EventSourceMapping")
        if "aggregates" in json.dumps(s["EventSourceArn"])
    )
    streams = synthesis.stack("sdp-us-east-1-ingestion").properties("AWS::Kinesis::Stream")
    hours = next(s["RetentionPeriodHours"] for s in streams if s["Name"] == STREAM)
    table = Table(up=timedelta(hours=1))
    persist = Persist(
        catalog=usecases.load(("adtech",)),
        tables=Tables({"adtech/campaigns": "campaigns"}, "progress"),
        store=table,  # type: ignore[arg-type]
        letters=Letters(),
        dead_letters={"adtech": "letters"},
        clock=lambda: EPOCH,
    )
    handle = Handler(persist, {STREAM: "adtech/aggregates"})
    return EventSource(settings, handle, table, timedelta(hours=hours))


def test_rows_that_came_while_the_tables_were_down_for_an_hour_are_all_stored(
    source: EventSource,
) -> None:
    source.run([_record(n, _row(campaign=n)) for n in range(8)])
    assert source.discarded == []
    stored = [u.item["campaign_item_id"]["N"] for u in source.table.written]
    assert sorted(stored) == [str(n) for n in range(8)]


def test_poison_among_them_becomes_a_dead_letter_and_is_not_delivered_for_ever(
    source: EventSource,
) -> None:
    source.run([_record(0, b"{poison"), *(_record(n, _row(campaign=n)) for n in (1, 2))])
    persist: Any = source.handle._persist
    assert {letter.key for letter in persist.letters} == {f"{STREAM}:shardId-0:0:malformed"}
    assert len(source.table.written) == 2
    assert source.discarded == []
