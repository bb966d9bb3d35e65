"""What the door of messages counts: each once, however often a batch of them is delivered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

import usecases
from lambdas.balance import Limits, minutes
from lambdas.dead_letters import Source
from lambdas.ingest.ledger import BatchLedger
from lambdas.ingest.messages import Messages, all_of
from lambdas.ingest.mqtt import Handler, UnfinishedError
from lambdas.ports.ledger import Batch, Receipts, minute_of
from lambdas.ports.report_store import StoreUnavailable
from lambdas.ports.stream import Entry
from tests.unit.lambdas.ingest.test_messages import BOTH, NAMES, NOW, SPEED, Memory, batch, puts

CATALOG = usecases.load(("machines",))
LIMITS = Limits(timedelta(minutes=6), timedelta(minutes=7))
MINUTE = minute_of(NOW)


class Table:
    """The ledger's items, as DynamoDB keeps them: an older revision replaces nothing."""

    def __init__(self) -> None:
        self.items: dict[tuple[datetime, str], Receipts] = {}
        self.fails = 0

    def put(self, receipts: Receipts) -> None:
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("timed out")
        key = (receipts.minute, receipts.instance)
        if key not in self.items or self.items[key].revision < receipts.revision:
            self.items[key] = replace(receipts)

    def door(self, use_case: str, start: datetime, end: datetime) -> Iterator[Receipts]:
        assert use_case == "machines"
        yield from self.items.values()

    def outcomes(self, *_: object) -> dict[datetime, dict[str, int]]:
        return {}

    @property
    def counts(self) -> tuple[int, int, int]:
        """What an audit reads of the minute: ok, refused, unknown."""
        span = (MINUTE, MINUTE + timedelta(minutes=1))
        (minute,) = minutes(self, "machines", span, None, LIMITS)
        return minute.ok, minute.refused, minute.unknown


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture(scope="module")
def messages() -> Messages:
    return all_of(CATALOG, CATALOG.configured({}))["machines"]


def door(messages: Messages, table: Table, stream: Memory | None = None) -> Handler:
    """The function; each of its instances is as good as another."""
    ticks = iter(range(1_000_000))
    ledger = BatchLedger(table, lambda: datetime.now(UTC) + timedelta(milliseconds=next(ticks)))
    return Handler({"machines": messages}, stream or Memory(), NAMES, lambda: NOW, ledger=ledger)


def receipts(entries: Iterable[tuple[str, Entry]]) -> list[int]:
    rows = (json.loads(entry.data) for name, entry in entries if name.endswith("measurements"))
    return [row["receipt"] for row in rows]


def test_each_event_of_a_message_has_a_receipt_that_every_delivery_gives_again(
    messages: Messages,
) -> None:
    payload = json.dumps({f"q{n}": n for n in range(600)}).encode()
    first, again, other = (puts(messages, BOTH, payload, number) for number in ("1", "1", "2"))
    numbers = receipts(("measurements", put.entry) for put in first)
    assert numbers == receipts(("measurements", put.entry) for put in again)
    others = receipts(("measurements", put.entry) for put in other)
    assert len({*numbers, *others}) == 1_200 and max((*numbers, *others)) < 2**53
    assert first[0].entry.data.endswith(f'"receipt":{numbers[0]}}}\n'.encode())


def test_events_are_ok_and_rejected_ones_refused(messages: Messages, table: Table) -> None:
    door(messages, table)(batch(b"1", b"x", b"3"), lambda attempts: True)
    assert table.counts == (2, 1, 0)
    ((_, instance),) = table.items
    assert Batch.of(instance) == Batch("shard-0", 0, 2)


def test_what_no_rule_has_written_is_no_receipt(messages: Messages) -> None:
    (put,) = messages.puts(b"no message", Source("sdp-machines-mqtt", "shard-0", "1"), NOW)
    assert not put.accepted and put.received_at is None


def test_what_was_not_stored_in_time_is_unknown_until_it_is_delivered_again(
    messages: Messages, table: Table
) -> None:
    handler = door(messages, table, Memory(failures=1))
    with pytest.raises(UnfinishedError):
        handler(batch(b"1", b"2"), lambda attempts: False)
    assert table.counts == (0, 0, 2)
    handler(batch(b"1", b"2"), lambda attempts: True)
    assert table.counts == (2, 0, 0)


def test_a_batch_that_is_delivered_twice_counts_once(messages: Messages, table: Table) -> None:
    for _ in range(2):
        door(messages, table)(batch(b"1", b"2"), lambda attempts: True)
    assert table.counts == (2, 0, 0)


def test_an_item_that_could_not_be_written_is_written_with_the_next(
    messages: Messages, table: Table
) -> None:
    handler, records = door(messages, table), batch(b"1", b"2", b"3")["Records"]
    table.fails = 2
    handler({"Records": records[:2]}, lambda attempts: True)
    handler({"Records": records[2:]}, lambda attempts: True)
    assert table.counts == (3, 0, 0)


def test_a_message_that_a_rule_could_not_store_is_not_counted(
    messages: Messages, table: Table
) -> None:
    failure = {"topic": SPEED, "cloudwatchTraceId": "trace", "base64OriginalPayload": "MQ=="}
    door(messages, table)(failure | {"failures": []}, lambda attempts: True)
    assert not table.items


def test_no_delivery_in_whatever_parts_makes_ok_too_large_or_the_rest_too_small(
    messages: Messages, table: Table
) -> None:
    """Batches fail, are halved, and are done again in other parts."""
    random = Random(3)
    for _ in range(200):
        table.items.clear()
        number = random.randrange(1, 12)
        records = batch(*[b"1"] * number)["Records"]
        is_disturbed = random.random() < 0.8
        for _ in range(random.randrange(1, 4) if is_disturbed else 1):
            _deliver(messages, table, records, random, is_disturbed=is_disturbed)
        ok, refused, unknown = table.counts
        assert ok <= number <= ok + unknown and refused == 0
        assert is_disturbed or (ok, unknown) == (number, 0)


def _deliver(
    messages: Messages, table: Table, records: list[object], random: Random, *, is_disturbed: bool
) -> None:
    at = 0
    while at < len(records):
        size = random.randrange(1, len(records) - at + 1)
        part = {"Records": records[at : at + size]}
        if is_disturbed and random.random() < 0.3:  # it fails, and is delivered in another part
            failing = door(messages, table, Memory(failures=1))
            with pytest.raises(UnfinishedError):
                failing(part, lambda attempts: False)
            continue
        door(messages, table)(part, lambda attempts: True)
        at += size
