"""What the door counts, so that nobody has to believe its answers."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

import usecases
from lambdas.adapters.kinesis import KinesisStream
from lambdas.ingest.app import Ingestion, create_app
from lambdas.ingest.handler import compose, composed
from lambdas.ingest.ledger import DoorLedger, Result
from lambdas.ports.ledger import Receipts
from lambdas.ports.report_store import StoreUnavailable
from lambdas.ports.stream import Entry, Unconfirmed
from lambdas.settings import Settings
from tests.unit.lambdas.ingest.gateway import BID, NOW, Gateway, Memory

Counts = tuple[int, int, int, int]


class Items:
    """The ledger's table; every state of every item, in order."""

    def __init__(self) -> None:
        self.written: list[Receipts] = []
        self.fails = False
        self.refuses = 0  # how many of the next writes

    def put(self, receipts: Receipts) -> None:
        if self.fails or self.refuses:
            self.refuses = max(0, self.refuses - 1)
            raise StoreUnavailable("timed out")
        self.written.append(replace(receipts))

    @property
    def history(self) -> list[tuple[str, Counts]]:
        return [(r.use_case, (r.ok, r.refused, r.unknown, r.pending)) for r in self.written]

    @property
    def stored(self) -> dict[tuple[str, datetime], Counts]:
        """As an audit adds them up."""
        items = {(r.use_case, r.minute, r.instance): r for r in self.written}
        totals: dict[tuple[str, datetime], Counts] = {}
        for (use_case, minute, _), r in items.items():
            ok, refused, unknown, pending = totals.get((use_case, minute), (0, 0, 0, 0))
            counts = (ok + r.ok, refused + r.refused, unknown + r.unknown, pending + r.pending)
            totals[use_case, minute] = counts
        return totals


@pytest.fixture
def items() -> Items:
    return Items()


@pytest.fixture
def door(items: Items) -> Gateway:
    gateway = Gateway()
    app = create_app(
        catalog=usecases.load(),
        stream=gateway.stream,
        clock=lambda: NOW,
        ledger=DoorLedger(items, wait=lambda _: None),
    )
    gateway._respond = compose(app)
    return gateway


def test_the_intent_is_written_before_the_call_and_its_result_after(
    door: Gateway, items: Items
) -> None:
    seen: list[list[tuple[str, Counts]]] = []

    def fails(entry: Entry) -> str | None:
        seen.append(items.history)
        return "Throttled" if entry.key == "b" else None

    door.stream.fails = fails
    door.post("/click", [{"tx_id": "a"}, {"tx_id": "b"}, {"tx_id": 5}])
    assert seen[0] == [("adtech", (0, 0, 0, 2))]
    assert items.history[1:] == [("adtech", (1, 2, 0, 0))]


def test_a_record_that_may_be_stored_is_unknown(door: Gateway, items: Items) -> None:
    door.stream.fails = lambda entry: Unconfirmed("ReadTimeoutError")
    answer = door.post("/click", {"tx_id": "a"})
    assert answer.status == 503
    assert items.history[-1] == ("adtech", (0, 0, 1, 0))


def test_each_use_case_of_a_request_has_its_own_count(door: Gateway, items: Items) -> None:
    sent = [{"type": "click", "tx_id": "t"}, {"type": "other"}, 7]
    page = {"type": "page-view", "session_id": "s", "page": "p"}
    door.post("/events", [*sent, page])
    minute = NOW.replace(second=0, microsecond=0)
    assert items.stored == {
        ("adtech", minute): (1, 0, 0, 0),
        ("shopping", minute): (1, 0, 0, 0),
        ("-", minute): (0, 2, 0, 0),
    }


def test_a_function_that_ends_in_its_call_leaves_its_intent(items: Items) -> None:
    class Killed(BaseException):
        """Nothing of the function runs after it."""

    def dies(entry: Entry) -> str | None:
        raise Killed

    catalog = usecases.load()
    parameters, ledger = catalog.configured({}), DoorLedger(items)
    stream = Memory(fails=dies)
    door = Ingestion(catalog, stream, lambda: NOW, lambda a, r: None, parameters, ledger)
    with pytest.raises(Killed):
        door.receive(b'[{"type":"click","tx_id":"a"}]', "application/json", None)
    assert items.history == [("adtech", (0, 0, 0, 1))]


def test_a_call_that_failed_without_a_result_stays_unknown(door: Gateway, items: Items) -> None:
    def faulty(entry: Entry) -> str | None:
        raise RuntimeError("a bug")

    door.stream.fails = faulty
    assert door.post("/click", {"tx_id": "a"}).status == 500
    door.stream.fails = lambda entry: None
    door.post("/click", {"tx_id": "b"})
    assert items.history[-1] == ("adtech", (1, 0, 1, 0))


def test_records_are_stored_while_the_ledger_cannot_be_written_and_counted_later(
    door: Gateway, items: Items
) -> None:
    items.fails = True
    assert door.post("/click", {"tx_id": "a"}).status == 202
    items.fails = False
    door.post("/click", {"tx_id": "b"})
    assert items.history[-1] == ("adtech", (2, 0, 0, 0))


def test_a_minute_that_was_missed_is_written_in_the_next() -> None:
    items, missed = Items(), []
    ledger = DoorLedger(items, missed.append, wait=lambda _: None)
    items.fails = True
    ledger.settle({"adtech": Result(ok=3)}, NOW)
    items.fails = False
    ledger.settle({"adtech": Result(ok=4)}, NOW + timedelta(minutes=1))
    assert missed == ["timed out"]
    assert [counts for _, counts in items.history] == [(4, 0, 0, 0), (3, 0, 0, 0)]


def test_an_intent_that_is_refused_for_a_moment_is_written_before_the_call() -> None:
    items, missed, waits = Items(), [], []
    ledger = DoorLedger(items, missed.append, wait=waits.append)
    items.refuses = 4
    ledger.intend({"adtech": 3}, NOW)
    assert items.history == [("adtech", (0, 0, 0, 3))]
    assert waits == [0.1, 0.2, 0.4, 0.8]
    assert missed == []


def test_requests_wait_for_a_ledger_that_is_away_once_and_again_when_it_was_back() -> None:
    items, missed, waits = Items(), [], []
    clock = iter(range(1_000))
    ledger = DoorLedger(items, missed.append, wait=waits.append)
    items.fails = True
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("lambdas.ingest.ledger.time.monotonic", lambda: next(clock) / 4)
        ledger.intend({"adtech": 3}, NOW)
        first = len(waits)
        ledger.settle({"adtech": Result(ok=3)}, NOW)
        ledger.intend({"adtech": 1}, NOW)
        assert 1 <= first == len(waits) < 10
        assert missed == ["timed out"] * 3
        items.fails = False
        ledger.settle({"adtech": Result(ok=1)}, NOW)
        items.refuses = 1
        ledger.intend({"adtech": 2}, NOW)
    assert len(waits) == first + 1
    assert items.history == [("adtech", (4, 0, 0, 0)), ("adtech", (4, 0, 0, 2))]


def test_an_intent_that_was_missed_is_written_before_records_are_sent_again() -> None:
    class Killed(BaseException):
        """Nothing of the function runs after it."""

    class AwayForAWhile:
        """Kinesis and the table are away; both are back when it is called again."""

        def put_records(self, **request: Any) -> dict[str, Any]:
            if items.fails:
                items.fails = False
                raise ReadTimeoutError(endpoint_url="http://127.0.0.1")
            raise Killed

    items = Items()
    items.fails = True
    ledger = DoorLedger(items, wait=lambda _: None)
    stream = KinesisStream(AwayForAWhile(), before=ledger.catch_up, sleep=lambda _: None)  # type: ignore[arg-type]
    catalog = usecases.load()
    door = Ingestion(
        catalog, stream, lambda: NOW, lambda a, r: None, catalog.configured({}), ledger
    )
    measured = {"type": "measurement", "thing": "mill-1", "quantity": "speed", "result": 600.0}
    mixed = json.dumps([{"type": "click", "tx_id": "a"}, measured])
    with pytest.raises(Killed):
        door.receive(mixed.encode(), "application/json", None)
    assert items.history == [("machines", (0, 0, 0, 1)), ("adtech", (0, 0, 0, 1))]


def test_the_function_writes_an_intent_that_was_missed_before_it_stores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lambdas.ingest.ledger.PATIENCE", 0)
    items, seen = Items(), list[list[tuple[str, Counts]]]()

    class Kinesis:
        def put_records(self, **request: Any) -> dict[str, Any]:
            seen.append(items.history)
            return {"FailedRecordCount": 0}

    gateway, settings = Gateway(), Settings(streams={"adtech/bcns": "bcns"})
    gateway._respond = composed(settings, Kinesis(), items)  # type: ignore[arg-type]
    items.refuses = 1
    assert gateway.post("/click", {"tx_id": "a"}).status == 202
    assert seen == [[("adtech", (0, 0, 0, 1))]]
    assert items.history[1:] == [("adtech", (1, 0, 0, 0))]


def test_what_was_missed_for_long_does_not_keep_the_intent_at_hand() -> None:
    items, seconds = Items(), count()
    ledger = DoorLedger(items, wait=lambda _: None)
    items.fails = True
    for minute in range(3):
        ledger.settle({"adtech": Result(ok=minute)}, NOW + timedelta(minutes=minute))
    items.fails = False
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("lambdas.ingest.ledger.time.monotonic", lambda: next(seconds))
        ledger.intend({"adtech": 7}, NOW + timedelta(minutes=9))
    assert items.history == [("adtech", (0, 0, 0, 7))]
    ledger.settle({"adtech": Result(ok=7)}, NOW + timedelta(minutes=9))
    assert [ok for _, (ok, *_) in items.history] == [0, 7, 2, 1, 0]


def test_a_table_that_keeps_waiting_is_not_tried_again_by_the_same_request() -> None:
    items, seconds = Items(), count()
    ledger = DoorLedger(items, wait=lambda _: None)
    items.fails = True
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("lambdas.ingest.ledger.time.monotonic", lambda: next(seconds))
        ledger.intend({"adtech": 3}, NOW)
    items.fails = False
    ledger.catch_up()
    assert items.history == []
    ledger.settle({"adtech": Result(ok=3)}, NOW)
    assert items.history == [("adtech", (3, 0, 0, 0))]


def test_a_result_is_not_waited_for() -> None:
    items, waits = Items(), []
    ledger = DoorLedger(items, wait=waits.append)
    ledger.intend({"adtech": 3}, NOW)
    items.refuses = 1
    ledger.settle({"adtech": Result(ok=3)}, NOW)
    assert waits == []


def test_a_clock_that_goes_back_overwrites_no_count() -> None:
    items = Items()
    ledger = DoorLedger(items)
    for at in (NOW, NOW + timedelta(minutes=1), NOW):
        ledger.settle({"adtech": Result(ok=1)}, at)
    assert items.stored["adtech", NOW.replace(second=0)] == (2, 0, 0, 0)


def test_the_receipt_is_the_last_field_and_no_two_records_have_the_same(door: Gateway) -> None:
    for _ in range(3):
        door.post("/click", [{"tx_id": str(n)} for n in range(500)])
    receipts = [record["receipt"] for record in door.stream.records]
    assert len(set(receipts)) == 1_500
    assert all(0 <= receipt < 2**53 for receipt in receipts)
    assert all([*record][-1] == "receipt" for record in door.stream.records)


def test_a_sender_cannot_choose_the_receipt(door: Gateway) -> None:
    answer = door.post("/bid", {**BID, "receipt": 5})
    assert (answer.status, answer.error["code"]) == (400, "unknown_field")


def test_a_minute_starts_in_utc() -> None:
    items = Items()
    DoorLedger(items).settle({"x": Result(ok=1)}, datetime(2026, 1, 1, 9, 0, 59, 999, tzinfo=UTC))
    (key,) = items.stored
    assert key == ("x", datetime(2026, 1, 1, 9, tzinfo=UTC))
