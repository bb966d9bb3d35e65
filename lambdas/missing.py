"""The records of a minute that does not balance which have neither a result nor a dead letter.

The ledger has numbers and no names, so the names come from the lake: its rows of the records that
were received in the minute, less those with a dead letter, a result record of their own
(`record(event=…)`), or one of their closed key (`record(closes=…)`). Types whose counted events
have no row at all are listed as `unknown`: the lake does not tell them from missing ones.
Copies of an event have one event_id and one verdict. Pure but for `rows`, which answers SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from glue import Schema, UseCase
from glue.instants import to_wire
from glue.schema import Kind
from glue.sql import literal, literals, timestamp
from glue.targets.lake import LakeTable, lake_tables
from lambdas.balance import Limits, Minute
from lambdas.finding import LAKE_DELAY, moment, records_of_events
from lambdas.letter_queries import TABLE as LETTERS
from lambdas.ports.ledger import MINUTE

Row = Mapping[str, Any]
MISSING, UNKNOWN = "missing", "unknown"
"""The states of a listed record: it has no outcome; the lake does not say whether it has one."""


@dataclass(frozen=True)
class MissingRecord:
    """A record of the minute; times are RFC 3339, `last_seen` is a stream and an hour of a table.

    `occurred_at` is empty where the record has no valid time.
    """

    event_id: str
    type: str
    key: str
    occurred_at: str
    received_at: str
    state: str
    last_seen: str


@dataclass(frozen=True)
class MissingRecords:
    """The listed records, how many more there are, and what cannot be known, a sentence each."""

    records: tuple[MissingRecord, ...] = ()
    hidden: int = 0
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "records": [asdict(record) for record in self.records],
            "hidden": self.hidden,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class _Type:
    """What the lake has of one type of event: the records of the minute, those without a row."""

    name: str
    stored: int
    uncounted: int


@dataclass(frozen=True)
class Lookup:
    """Lists at most `limit` records of a minute of one use case.

    `rows` answers SQL over its tables with rows by column. The `watermark` was read with the
    minute.
    """

    use_case: UseCase
    limits: Limits
    watermark: datetime | None
    rows: Callable[[str], Iterable[Row]]
    limit: int

    def __call__(self, minute: Minute) -> MissingRecords:
        """The records; none where nothing is missing. Raises what `rows` raises."""
        if not minute.missing:
            return MissingRecords()
        named = self._types_with_rows(minute)
        tables = [t for t in lake_tables(self.use_case) if t.stream in self.use_case.event_streams]
        types, records = list[_Type](), list[MissingRecord]()
        for table in tables:
            counted = [_Type(**row) for row in self.rows(count_query(self.use_case, table, minute))]
            types += counted
            left = self.limit - len(records)
            if left > 0 and any(each.uncounted for each in counted):
                sql = list_query(self.use_case, table, minute, named, left)
                records += [self._record(table, row, named) for row in self.rows(sql)]
        hidden = sum(each.uncounted for each in types) - len(records)
        notes = tuple(self._notes(minute, types, named))
        return MissingRecords(tuple(records), max(0, hidden), notes)

    def _types_with_rows(self, minute: Minute) -> set[str]:
        """The types of which each record has a row once it is decided."""
        if not minute.is_closed:
            return set()
        own = {record.event for record in own_records(self.use_case)}
        return own | {record.closes for record in closing_records(self.use_case)}

    def _record(self, table: LakeTable, row: Row, named: Collection[str]) -> MissingRecord:
        occurred = row["first_occurred_at"]
        return MissingRecord(
            event_id=row["event_id"],
            type=row["type"],
            key=row["event_key"] or "",
            occurred_at=to_wire(moment(occurred)) if occurred else "",
            received_at=to_wire(moment(row["first_received_at"])),
            state=MISSING if row["type"] in named else UNKNOWN,
            last_seen=(
                f"stream {table.stream}; {table.parquet}, date {row['first_date']}, "
                f"hour {row['first_hour']}"
            ),
        )

    def _notes(
        self, minute: Minute, types: Collection[_Type], named: Collection[str]
    ) -> Iterator[str]:
        if n := minute.never_read:
            yield f"{n:,} of the missing: acknowledged by the API and never read from the stream."
        listed = sum(each.uncounted for each in types)
        if (unnamed := minute.missing - listed) > 0:
            yield (
                f"{unnamed:,} of the missing cannot be named: the lake has no record of them "
                "(they were never stored, or were removed), and the ledger has numbers alone. "
                "Their senders can send them again with the same event_ids: none counts twice."
            )
        if not minute.is_closed:
            yield "The minute is not closed: records that wait for others are among these."
        elif unknown := [t.name for t in types if t.uncounted and t.name not in named]:
            yield (
                f"Counted records of the type {' and '.join(sorted(unknown))} have no row of "
                f"their own in the lake: {UNKNOWN} ones may be counted."
            )
        if self._is_recent(minute):
            minutes = int(LAKE_DELAY.total_seconds() // 60)
            yield (
                "Results and dead letters reach the lake minutes late: records may be among these "
                f"whose row is under way. Ask again in {minutes} minutes."
            )

    def _is_recent(self, minute: Minute) -> bool:
        """Whether the last outcomes of the minute may not be in the lake yet."""
        decided = self.limits.closed if minute.is_closed else self.limits.read
        end = minute.minute + MINUTE + decided + LAKE_DELAY
        return self.watermark is None or self.watermark < end


def own_records(use_case: UseCase) -> tuple[Schema, ...]:
    """The result records that are written once for each counted event of a type."""
    return tuple(record for record in records_of_events(use_case) if record.event)


def closing_records(use_case: UseCase) -> tuple[Schema, ...]:
    """The result records that are written once for each key of an event."""
    return tuple(s for s in use_case.schemas if s.kind is Kind.RECORD and s.closes)


def count_query(use_case: UseCase, table: LakeTable, minute: Minute) -> str:
    """SQL: by type, the events of the minute and those with neither a result nor a letter."""
    return (
        'SELECT type AS "name", COUNT(*) AS stored,\n'
        "  SUM(CASE WHEN uncounted THEN 1 ELSE 0 END) AS uncounted\n"
        f"FROM (\n{_decided(use_case, table, minute)}\n) AS decided\n"
        "GROUP BY type\nORDER BY type"
    )


def list_query(
    use_case: UseCase, table: LakeTable, minute: Minute, first: Collection[str], limit: int
) -> str:
    """SQL: the events of the minute with neither; those of the types `first` before the others."""
    rank = f"CASE WHEN type IN ({literals(sorted(first))}) THEN 0 ELSE 1 END, " if first else ""
    return (
        "SELECT event_id, type, event_key, first_occurred_at, first_received_at, first_date,\n"
        "  first_hour\n"
        f"FROM (\n{_decided(use_case, table, minute)}\n) AS decided\n"
        f"WHERE uncounted\nORDER BY {rank}first_received_at, event_id, type, event_key\n"
        f"LIMIT {limit}"
    )


def _decided(use_case: UseCase, table: LakeTable, minute: Minute) -> str:
    """SQL: each event of the minute, and whether it is `uncounted`: no other table has a row."""
    since = f"date >= '{minute.minute:%Y-%m-%d}'"
    joins = [f"LEFT JOIN (SELECT DISTINCT event_id FROM {LETTERS} WHERE {since}) AS letters"]
    joins.append("  ON letters.event_id = received.event_id")
    absent = ["letters.event_id IS NULL"]
    if results := list(_results(use_case, since)):
        joins.append(f"LEFT JOIN (\n{_united(results)}\n) AS results")
        joins.append("  ON results.event_id = received.event_id AND results.type = received.type")
        absent.append("results.event_id IS NULL")
    if closed := list(_closed(use_case, since)):
        joins.append(f"LEFT JOIN (\n{_united(closed)}\n) AS closed")
        joins.append("  ON closed.event_key = received.event_key AND closed.type = received.type")
        absent.append("closed.event_key IS NULL")
    return (
        f"SELECT received.*, {' AND '.join(absent)} AS uncounted\n"
        f"FROM (\n{_received(use_case, table, minute, since)}\n) AS received\n" + "\n".join(joins)
    )


def _received(use_case: UseCase, table: LakeTable, minute: Minute, since: str) -> str:
    """SQL: the events that came through the door in the minute, copies once."""
    events = use_case.events_on(table.stream)
    keys = [f"CAST({key} AS VARCHAR)" for key in dict.fromkeys(event.key for event in events)]
    key = f"COALESCE({', '.join(keys)})" if len(keys) > 1 else keys[0]
    end = minute.minute + MINUTE
    return (
        f"SELECT event_id, type, {key} AS event_key, MIN(occurred_at) AS first_occurred_at,\n"
        "  MIN(received_at) AS first_received_at, MIN(date) AS first_date,\n"
        "  MIN(hour) AS first_hour\n"
        f"FROM {table.parquet}\n"
        f"WHERE {since} AND event_id IS NOT NULL\n"
        f"  AND type IN ({literals([event.type for event in events])})\n"
        f"  AND received_at >= {timestamp(minute.minute)} AND received_at < {timestamp(end)}\n"
        f"GROUP BY event_id, type, {key}"
    )


def _results(use_case: UseCase, since: str) -> Iterator[str]:
    for record in own_records(use_case):
        yield (
            f"SELECT DISTINCT event_id, {literal(record.event)} AS type\n"
            f"FROM {_table(use_case, record)} WHERE {since}"
        )


def _closed(use_case: UseCase, since: str) -> Iterator[str]:
    for record in closing_records(use_case):
        yield (
            f"SELECT DISTINCT CAST({record.key} AS VARCHAR) AS event_key, "
            f"{literal(record.closes)} AS type\n"
            f"FROM {_table(use_case, record)} WHERE {since}"
        )


def _united(queries: Iterable[str]) -> str:
    return "\nUNION ALL\n".join(queries)


def _table(use_case: UseCase, record: Schema) -> str:
    return next(t.parquet for t in lake_tables(use_case) if t.stream == record.stream)
