"""Batches of results into the tables: what is written, what is buried, what comes again."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Annotated, Any

import boto3
import pytest

from glue import CatalogError, UseCase, report
from glue.ledger import COUNTS
from glue.targets.dynamodb import KeyAttribute
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.persist.stream import StreamRecord
from lambdas.persist.writing import Persist
from lambdas.ports.report_store import StoreUnavailable
from lambdas.ports.stream import Entry
from lambdas.ports.upserts import ItemRefused, Upsert
from lambdas.result_records import layouts
from lambdas.tables import Tables
from tests.unit.lambdas.made_up import CATALOG, FACTORY, PROGRESS_TABLE, TABLES
from tests.unit.lambdas.reports.memory import client
from tests.unit.lambdas.tables import create_table

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
LEDGER_TABLE = "t-ledger"


class Graveyard:
    """Keeps dead letters; refuses the first `failures` calls."""

    def __init__(self, failures: int = 0) -> None:
        self.letters: list[dict[str, Any]] = []
        self.failures = failures

    def put(self, stream: str, entries: Sequence[Entry]) -> list[str | None]:
        if self.failures:
            self.failures -= 1
            return ["throttled"] * len(entries)
        self.letters += [{**json.loads(e.data), "stream": stream} for e in entries]
        return [None] * len(entries)


class Flaky:
    """A store in memory that is not available for the first attempts."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.written: list[Upsert] = []

    def put(self, upserts: Sequence[Upsert]) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("throttled")
        self.written += upserts


def persist(store: Any, graveyard: Graveyard | None = None) -> Persist:
    return Persist(
        catalog=CATALOG,
        tables=Tables(TABLES, PROGRESS_TABLE, LEDGER_TABLE),
        store=store,
        letters=graveyard or Graveyard(),
        dead_letters={"factory": "t-dead-letters"},
        clock=lambda: AT + timedelta(seconds=7),
    )


def record(data: Any, number: int = 1, kind: str = "aggregates") -> StreamRecord:
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    return StreamRecord("factory", kind, f"t-{kind}", "shardId-1", str(number), content)


def row(version: int, generation: int = 0, **more: Any) -> dict[str, Any]:
    base = {"machine": "m", "bucket": 300, "readings": version, "watts": -version}
    return {**base, "version": version, "generation": generation, **more}


def stored(store: DynamoStore, machine: str = "m", bucket: int = 300) -> dict[str, Any] | None:
    key = {"machine": {"S": machine}, "bucket": {"N": str(bucket)}}
    return store.get("t-machines", key)


def test_a_row_becomes_an_item(store: DynamoStore) -> None:
    assert persist(store)([record(row(3))]) == set()
    assert stored(store) == {
        "machine": {"S": "m"},
        "bucket": {"N": "300"},
        "readings": {"N": "3"},
        "watts": {"N": "-3"},
        "version": {"N": "3"},
        "generation": {"N": "0"},
    }


def test_reports_on_one_stream_are_told_apart_by_their_columns(store: DynamoStore) -> None:
    site = {"site": 5, "period": 0, "readings": 1, "version": 1, "generation": 0}
    graveyard = Graveyard()
    assert persist(store, graveyard)([record(site, 1), record(row(1), 2)]) == set()
    assert graveyard.letters == []
    assert store.get("t-sites", {"site": {"N": "5"}, "period": {"N": "0"}}) is not None
    assert stored(store) is not None


VERSIONS = [(5, 0), (9, 0), (1, 1), (2, 1)]


def test_the_newest_wins_in_any_order_and_any_batches(store: DynamoStore) -> None:
    write = persist(store)
    for order, size in product(permutations(VERSIONS), (1, 2, 4)):
        machine = f"{order} {size}"
        rows = [record(row(version, generation, machine=machine)) for version, generation in order]
        for start in range(0, len(rows), size):
            write(rows[start : start + size])
        found = stored(store, machine)
        assert found is not None
        assert (found["generation"]["N"], found["version"]["N"]) == ("1", "2")


def test_a_repeated_or_older_row_changes_nothing_and_is_no_failure(store: DynamoStore) -> None:
    persist(store)([record(row(3))])
    assert persist(store)([record(row(3, watts=99))]) == set()
    assert persist(store)([record(row(2, watts=99))]) == set()
    found = stored(store)
    assert found is not None
    assert found["watts"] == {"N": "-3"}


def test_only_the_newest_row_of_a_key_is_written() -> None:
    store = Flaky(0)
    batch = [record(row(v, bucket=300 * (v % 2)), v) for v in range(1, 1001)]
    assert persist(store)(batch) == set()
    assert sorted(u.newness for u in store.written) == [(0, 999), (0, 1000)]


POISON: dict[str, tuple[bytes | dict[str, Any] | list[Any], str | None]] = {
    "not JSON": (b"{oops", None),
    "empty": (b"", None),
    "invalid UTF-8": (b'{"machine":"\xff"}', None),
    "an array": ([], None),
    "a missing column": ({k: v for k, v in row(1).items() if k != "watts"}, "watts"),
    "an unknown column": (row(1, colour="red"), "colour"),
    "a text for a number": (row(1, watts="1"), "watts"),
    "a truth value for a number": (row(1, watts=True), "watts"),
    "a fraction": (row(1, watts=1.5), "watts"),
    "a null": (row(1, watts=None), "watts"),
    "a number of 39 digits": (row(1, watts=10**38), "watts"),
    "a version beyond 64 bit": (row(2**63, readings=1), "version"),
    "an empty key": (row(1, machine=""), "machine"),
    "a key too long for a table": (row(1, machine="ä" * 1025), "machine"),
    "a bucket beyond all calendars": (row(1, bucket=253_402_300_800), "bucket"),
    "a negative version": (row(-1, readings=1), "version"),
}


@pytest.mark.parametrize("name", POISON)
def test_a_poison_record_is_buried_with_its_bytes_and_the_others_are_written(
    store: DynamoStore, name: str
) -> None:
    content, field = POISON[name]
    poison = record(content, 41)
    graveyard = Graveyard()
    assert persist(store, graveyard)([poison, record(row(1), 42)]) == set()
    assert stored(store) is not None
    [letter] = graveyard.letters
    assert letter.pop("detail")
    assert letter == {
        "id": "t-aggregates:shardId-1:41:malformed",
        "use_case": "factory",
        "stage": "persist",
        "reason": "malformed",
        "field": field,
        "payload": base64.b64encode(poison.data).decode(),
        "encoding": None,
        "event_id": None,
        "occurred_at": None,
        "failed_at": "2026-03-01T10:00:07.000Z",
        "source": {"stream": "t-aggregates", "shard": "shardId-1", "sequence_number": "41"},
        "stream": "t-dead-letters",
    }


@pytest.mark.parametrize("number", [2**63, 2**64 + 1, 10**37, -1, -(2**63)])
def test_a_sum_of_any_size_is_stored_and_reported_exactly(store: DynamoStore, number: int) -> None:
    graveyard = Graveyard()
    batch = [record(row(1, readings=number), 1), record(row(2, readings=7, bucket=600), 2)]
    assert persist(store, graveyard)(batch) == set()
    assert graveyard.letters == []
    api = client(store)
    assert api.get("/reports/machines/m").json()["readings"] == number + 7
    found = api.get("/reports/machines/m/period").json()["rows"]
    assert [r["readings"] for r in found] == [number + 7]


def progress(watermark: str = "2026-03-01T09:00:00.000Z", **more: Any) -> dict[str, Any]:
    found = {"use_case": "factory", "watermark": watermark, "heartbeat_at": watermark}
    return {**found, **more}


def test_progress_only_moves_forward(store: DynamoStore) -> None:
    for text in ("2026-03-01T09:00:00.000Z", "2026-03-01T09:01:00Z", "2026-03-01T08:00:00.000Z"):
        assert persist(store)([record(progress(text), kind="progress")]) == set()
    assert store.get(PROGRESS_TABLE, {"use_case": {"S": "factory"}}) == {
        "use_case": {"S": "factory"},
        "watermark": {"N": "1772355660000"},
        "heartbeat_at": {"N": "1772355660000"},
        "persisted_at": {"N": "1772359207000"},
    }


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (progress(use_case="other"), "use_case"),
        (progress("2026-03-01T09:00:00"), "watermark"),
        (progress("yesterday"), "watermark"),
        (progress(heartbeat_at=None), "heartbeat_at"),
    ],
)
def test_poison_progress_is_buried(store: DynamoStore, content: dict[str, Any], field: str) -> None:
    graveyard = Graveyard()
    assert persist(store, graveyard)([record(content, kind="progress")]) == set()
    assert [letter["field"] for letter in graveyard.letters] == [field]
    assert store.get(PROGRESS_TABLE, {"use_case": {"S": "factory"}}) is None


def test_a_record_that_breaks_the_code_is_buried_too_and_holds_up_no_shard(
    store: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: Any) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("lambdas.persist.writing.progress", fault)
    graveyard = Graveyard()
    batch = [record(progress(), 1, kind="progress"), record(row(1), 2)]
    assert persist(store, graveyard)(batch) == set()
    assert [(letter["reason"], letter["field"]) for letter in graveyard.letters] == [
        ("refused", None)
    ]
    assert "ZeroDivisionError: a fault of ours" in graveyard.letters[0]["detail"]
    assert stored(store) is not None


class Picky(Flaky):
    """A store that takes no bucket of these, and the others of their key."""

    def __init__(self, *buckets: int) -> None:
        super().__init__(0)
        self.refused = {str(bucket) for bucket in buckets}

    def put(self, upserts: Sequence[Upsert]) -> None:
        if bad := self.refused & {u.item["bucket"]["N"] for u in upserts}:
            raise ItemRefused(f"no {bad}")
        super().put(upserts)


def test_a_bucket_that_is_refused_takes_no_other_bucket_of_its_key_with_it() -> None:
    graveyard, store = Graveyard(), Picky(300, 900)
    batch = [record(row(1, bucket=300 * n), n) for n in range(1, 5)]
    assert persist(store, graveyard)(batch) == set()
    assert sorted(letter["source"]["sequence_number"] for letter in graveyard.letters) == ["1", "3"]
    assert sorted(u.item["bucket"]["N"] for u in store.written) == ["1200", "600"]


def test_what_could_not_be_written_is_delivered_again_with_all_it_stands_for() -> None:
    batch = [record(row(1), 1), record(row(2), 2)]
    assert persist(Flaky(1))(batch) == {"1", "2"}


def test_writes_are_tried_again_while_there_is_time() -> None:
    store, rounds = Flaky(3), []
    undone = persist(store)([record(row(1))], lambda n: rounds.append(n) or True)
    assert undone == set()
    assert rounds == [1, 2, 3]
    assert len(store.written) == 1


def test_a_dead_letter_that_was_not_stored_is_tried_again_and_then_delivered_again() -> None:
    graveyard = Graveyard(failures=1)
    assert persist(Flaky(0), graveyard)([record(b"{", 8)]) == {"8"}
    graveyard = Graveyard(failures=1)
    assert persist(Flaky(0), graveyard)([record(b"{", 8)], lambda n: n < 2) == set()
    assert len(graveyard.letters) == 1


@report(path="twins", key="site", period="period")
class Twin:
    """A report with the columns of another."""

    site: Annotated[int, "The site."]
    period: Annotated[int, "Start of the bucket, epoch seconds."]
    readings: Annotated[int, "Readings taken."]


def test_reports_on_one_stream_that_cannot_be_told_apart_are_refused() -> None:
    both = UseCase("factory", "Machines.", FACTORY.folder, (*FACTORY.classes, Twin))
    with pytest.raises(CatalogError, match=r"\['Site', 'Twin'\] have the same columns"):
        layouts(both, "aggregates")


def outcomes(**numbers: Any) -> dict[str, Any]:
    minute = {"use_case": "factory", "minute": int(AT.timestamp())}
    return {**minute, **dict.fromkeys((*COUNTS, "version"), 0), **numbers}


def test_outcomes_are_kept_beside_the_progress_and_only_grow(store: DynamoStore) -> None:
    table = boto3.client("dynamodb")
    create_table(table, LEDGER_TABLE, KeyAttribute("pk", "S"), KeyAttribute("sk", "S"))
    rows = [outcomes(version=9, read=5, counted=4), outcomes(version=8, read=4, counted=4)]
    for content in rows:
        assert persist(store)([record(content, kind="progress")]) == set()
    ledger = DynamoReceipts(LEDGER_TABLE, table)
    found = ledger.outcomes("factory", AT, AT + timedelta(minutes=1))
    assert found == {AT: {**dict.fromkeys(COUNTS, 0), "read": 5, "counted": 4}}


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (outcomes(use_case="other"), "use_case"),
        (outcomes(read=-1), "read"),
        (outcomes(late="1"), "late"),
        (outcomes(minute=10**12), "minute"),
    ],
)
def test_poison_outcomes_are_buried(
    store: DynamoStore, content: dict[str, Any], field: str
) -> None:
    graveyard = Graveyard()
    assert persist(store, graveyard)([record(content, kind="progress")]) == set()
    assert [letter["field"] for letter in graveyard.letters] == [field]
