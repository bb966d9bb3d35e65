"""Which records of a minute have neither a result nor a dead letter, over a lake in DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import duckdb
import pytest

import usecases
from lambdas.balance import Limits, Minute
from lambdas.missing import Lookup, MissingRecords

ADTECH = usecases.load().use_case("adtech")
PARAMETERS = ADTECH.configured({})
LIMITS = Limits.of(PARAMETERS)
AT = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
LATER = AT + timedelta(days=1)
NEXT_DAY = "2026-11-22"  # of what was delivered or decided after midnight
TABLES = (
    "CREATE TABLE parquet_bcns (event_id VARCHAR, type VARCHAR, tx_id VARCHAR,"
    " occurred_at TIMESTAMP, received_at TIMESTAMP, date VARCHAR, hour VARCHAR)",
    "CREATE TABLE parquet_dead_letters (event_id VARCHAR, date VARCHAR)",
    "CREATE TABLE parquet_impressions (event_id VARCHAR, date VARCHAR)",
    "CREATE TABLE parquet_clicks (event_id VARCHAR, date VARCHAR)",
    "CREATE TABLE parquet_transactions (tx_id VARCHAR, date VARCHAR)",
)


class Lake:
    """Answers as `Athena.rows` does: times are text."""

    def __init__(self) -> None:
        self.database = duckdb.connect()
        for table in TABLES:
            self.database.execute(table)

    def event(self, id_: str, type_: str, *, tx: str = "t1", seconds: float = 30) -> None:
        """An event, `seconds` into the minute."""
        at = (AT + timedelta(seconds=seconds)).replace(tzinfo=None)
        row = (id_, type_, tx, at, at, "2026-11-21", "23")
        self.database.execute("INSERT INTO parquet_bcns VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def row(self, table: str, value: str) -> None:
        """A row that says what became of an event."""
        self.database.execute(f"INSERT INTO parquet_{table} VALUES (?, ?)", (value, NEXT_DAY))

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return _named(self.database, sql)


def _named(database: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found = database.execute(sql)
    names = [column[0] for column in found.description or []]
    return [
        {n: str(v) if isinstance(v, datetime) else v for n, v in zip(names, row, strict=True)}
        for row in found.fetchall()
    ]


@pytest.fixture
def lake() -> Iterator[Lake]:
    made = Lake()
    yield made
    made.database.close()


def _minute(missing: int, *, ok: int = 10, read: int = 10, is_closed: bool = True) -> Minute:
    return Minute(
        use_case="adtech",
        minute=AT,
        ok=ok,
        refused=0,
        unknown=0,
        outcomes={"counted": ok - missing},
        redelivered=0,
        read=read,
        unread=0,
        waiting=0,
        is_closed=is_closed,
        missing=missing,
        excess=0,
    )


def _look_up(
    lake: Lake, minute: Minute, limit: int = 20, watermark: datetime | None = LATER
) -> MissingRecords:
    return Lookup(ADTECH, LIMITS, watermark, lake.rows, limit)(minute)


def test_an_event_with_a_result_a_letter_or_a_closed_key_is_not_missing(lake: Lake) -> None:
    for id_, type_, tx in (
        ("b1", "bid", "t1"),
        ("i1", "imp", "t1"),
        ("c1", "click", "t1"),
        ("i2", "imp", "t2"),
        ("b3", "bid", "t3"),
    ):
        lake.event(id_, type_, tx=tx)
    lake.row("transactions", "t1")
    lake.row("impressions", "i1")
    lake.row("dead_letters", "i2")
    found = _look_up(lake, _minute(2))
    assert [(r.event_id, r.type, r.key, r.state) for r in found.records] == [
        ("b3", "bid", "t3", "missing"),
        ("c1", "click", "t1", "missing"),
    ]
    assert found.records[0].received_at == "2026-11-21T23:59:30.000Z"
    assert found.records[0].last_seen == "stream bcns; parquet_bcns, date 2026-11-21, hour 23"
    assert (found.hidden, found.notes) == (0, ())


def test_an_impression_s_row_is_no_result_of_the_click_with_the_same_id(lake: Lake) -> None:
    lake.event("same", "imp")
    lake.event("same", "click")
    lake.row("impressions", "same")
    [record] = _look_up(lake, _minute(1)).records
    assert (record.type, record.state) == ("click", "missing")


def test_only_the_minute_is_looked_at_and_heartbeats_are_no_events(lake: Lake) -> None:
    lake.event("before", "imp", seconds=-0.001)
    lake.event("first", "imp", seconds=0)
    lake.event("first", "imp", seconds=0)  # delivered twice
    lake.event("last", "imp", seconds=59.999)
    lake.event("after", "imp", seconds=60)
    lake.event("beat", "heartbeat")
    lake.database.execute(
        "INSERT INTO parquet_bcns SELECT NULL, * EXCLUDE event_id FROM parquet_bcns"
    )
    found = _look_up(lake, _minute(2))
    assert [record.event_id for record in found.records] == ["first", "last"]


def test_a_list_is_as_long_as_is_asked_and_says_how_many_more_there_are(lake: Lake) -> None:
    for n in range(7):
        lake.event(f"i{n}", "imp", tx=f"t{n}")
    found = _look_up(lake, _minute(7), limit=3)
    assert [record.event_id for record in found.records] == ["i0", "i1", "i2"]
    assert found.hidden == 4


def test_what_the_lake_does_not_have_is_said_with_what_to_do(lake: Lake) -> None:
    lake.event("i1", "imp")
    found = _look_up(lake, _minute(4, read=7))
    assert [record.event_id for record in found.records] == ["i1"]
    never, unnamed = found.notes
    assert never.startswith("3 of the missing: acknowledged by the API and never read")
    assert unnamed.startswith("3 of the missing cannot be named: the lake has no record of them")
    assert "send them again with the same event_ids" in unnamed


def test_before_the_minute_is_closed_nothing_is_certain(lake: Lake) -> None:
    lake.event("i1", "imp")
    found = _look_up(lake, _minute(1, is_closed=False))
    assert [record.state for record in found.records] == ["unknown"]
    [note] = found.notes
    assert note.startswith("The minute is not closed: ")


@pytest.mark.parametrize("watermark", [None, AT + timedelta(minutes=1) + LIMITS.closed])
def test_what_was_decided_a_moment_ago_may_be_under_way(
    lake: Lake, watermark: datetime | None
) -> None:
    lake.event("i1", "imp")
    [note] = _look_up(lake, _minute(1), watermark=watermark).notes
    assert note.endswith("Ask again in 5 minutes.")


def test_a_minute_that_misses_nothing_needs_no_lake() -> None:
    def fail(sql: str) -> list[Any]:
        raise AssertionError(sql)

    assert Lookup(ADTECH, LIMITS, LATER, fail, 20)(_minute(0)) == MissingRecords()


def test_events_whose_count_leaves_no_row_are_listed_as_unknown_without_their_letters() -> None:
    """Measurements of `machines` have no result record of their own."""
    machines = usecases.load().use_case("machines")
    limits = Limits.of(machines.configured({}))
    with duckdb.connect() as database:
        database.execute(
            "CREATE TABLE parquet_measurements AS SELECT event_id, 'measurement' AS type,"
            " 'thing-1' AS thing, TIMESTAMP '2026-11-21 23:59:01' AS occurred_at,"
            " TIMESTAMP '2026-11-21 23:59:02' AS received_at, '2026-11-21' AS date, '23' AS hour"
            " FROM (VALUES ('m1'), ('m2')) AS measured(event_id)"
        )
        letter = "SELECT 'm1' AS event_id, '2026-11-22' AS date"
        database.execute(f"CREATE TABLE parquet_dead_letters AS {letter}")
        found = Lookup(machines, limits, LATER, partial(_named, database), 20)(_minute(1))
    assert [(r.event_id, r.key, r.state) for r in found.records] == [("m2", "thing-1", "unknown")]
    [note] = found.notes
    assert note.startswith("Counted records of the type measurement have no row of their own")
