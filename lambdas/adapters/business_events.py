"""Business events of the lake with the profiles by which they were decided, by Athena."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from glue import Catalog, Schema, UseCase
from glue.definitions import DECISIONS
from glue.sql import literal, timestamp
from glue.targets.lake import table_of
from glue.types import Boolean, Column, ColumnType, Double, Integer, String, Struct, Timestamp
from lambdas.adapters.lake_rows import AthenaRows
from lambdas.ports.business_events import BusinessEvent, Newest
from lambdas.ports.lake_rows import Row

# A folder has the hour in which the oldest record of a file arrived, and a record may be dated
# ahead of its arrival: what occurred after midnight may be in a folder of the day before.
EARLIER = timedelta(days=1)


class LakeBusinessEvents:
    """The `BusinessEvents` of every use case that decides about some; mappings by use case."""

    def __init__(
        self, catalog: Catalog, databases: Mapping[str, str], workgroups: Mapping[str, str]
    ) -> None:
        self._questions = {
            u.name: Question.of(u)
            for u in catalog.use_cases
            if u.definitions and u.definitions.event
        }
        self._rows = AthenaRows(databases, workgroups)

    def between(
        self, use_case: str, kind: str, start: datetime, end: datetime, limit: int, seconds: float
    ) -> Newest:
        """Business events of a kind within a range, the newest first."""
        question = self._questions[use_case]
        rows = self._rows.query(use_case, question.sql(kind, start, end, limit), seconds)
        total = int(rows[0][0] or 0) if rows else 0
        return Newest(total, [question.business_event(row) for row in rows])


@dataclass(frozen=True)
class Question:
    """One use case's business events, and where it has profiles, by which one each was decided.

    `event` and `fields` are the columns of business events and of profiles. Those that are groups
    of fields are left out: the stream decides by none.
    """

    use_case: UseCase
    events: str
    event: tuple[Column, ...]
    profile: Schema | None
    fields: tuple[Column, ...]

    @classmethod
    def of(cls, use_case: UseCase) -> Question:
        """Of a use case that decides about business events."""
        declared = use_case.definitions
        assert declared and declared.event
        table = table_of(use_case, declared.event.stream)
        fields = declared.profile.columns if declared.profile else ()
        return cls(use_case, table.parquet, _flat(table.columns), declared.profile, _flat(fields))

    def sql(self, kind: str, start: datetime, end: datetime, limit: int) -> str:
        """The query. Its first column is how many business events there are in all.

        The lake may have any row twice. A sender may have given two profiles one event_id: the one
        in force at the time of the business event is taken, and of copies the first that came.
        """
        columns = [f'b."{c.name}" AS event_{c.name}' for c in self.event]
        order = "b.id"
        if self.profile:
            columns += [
                "d.business_event_id AS decided",
                "d.profile_id AS decided_by",
                "p.event_id AS known",
            ]
            columns += [f'p."{c.name}" AS profile_{c.name}' for c in self.fields]
            order = "p.occurred_at DESC, p.received_at"
        aliases = [column.rpartition(" AS ")[2] for column in columns]
        names = ", ".join(["COUNT(*) OVER () AS total", *aliases])
        return (
            f"SELECT {names}\nFROM (\n  SELECT {', '.join(columns)},\n"
            f"    ROW_NUMBER() OVER (PARTITION BY b.id ORDER BY {order}) AS repetition\n"
            f"  FROM {self.events} b\n{self._joins(kind, start, end)}"
            f"  WHERE {_within('b', kind, start, end)}\n"
            ") AS decided_again\nWHERE repetition = 1\n"
            f"ORDER BY event_occurred_at DESC, event_id\nLIMIT {limit}"
        )

    def _joins(self, kind: str, start: datetime, end: datetime) -> str:
        if self.profile is None:
            return ""
        decisions = table_of(self.use_case, DECISIONS).parquet
        profiles = table_of(self.use_case, self.profile.stream).parquet
        return (
            f"  LEFT JOIN {decisions} d ON d.business_event_id = b.id\n"
            f"    AND {_within('d', kind, start, end)}\n"
            f"  LEFT JOIN {profiles} p ON p.event_id = d.profile_id\n"
            f"    AND p.type = {literal(self.profile.type)} AND p.occurred_at <= b.occurred_at\n"
        )

    def business_event(self, row: Row) -> BusinessEvent:
        """From a row of the query."""
        cells = iter(row[1:])
        event = _values(self.event, cells)
        if self.profile is None:
            return BusinessEvent(event)
        decided, profile_id, known = (next(cells) for _ in range(3))
        if decided is None:
            return BusinessEvent(event, unknown="its decision is not in the lake")
        if profile_id is None:
            return BusinessEvent(event)
        if known is None:
            return BusinessEvent(event, None, profile_id, "its profile is not in the lake")
        return BusinessEvent(event, _values(self.fields, cells), profile_id)


def _within(table: str, kind: str, start: datetime, end: datetime) -> str:
    """A file may contain what occurred long before it was delivered."""
    return (
        f"{table}.date >= '{start - EARLIER:%Y-%m-%d}' AND {table}.kind = {literal(kind)} "
        f"AND {table}.occurred_at >= {timestamp(start)} AND {table}.occurred_at < {timestamp(end)}"
    )


def _flat(columns: Sequence[Column]) -> tuple[Column, ...]:
    return tuple(column for column in columns if not isinstance(column.type, Struct))


def _values(columns: Sequence[Column], cells: Iterator[str | None]) -> dict[str, Any]:
    """The next cells by field, without absent ones."""
    texts = [(column, next(cells)) for column in columns]
    return {c.name: _value(c.type, text) for c, text in texts if text is not None}


def _value(kind: ColumnType, text: str) -> Any:
    match kind:
        case String():
            return text
        case Integer():
            return int(text)
        case Double():
            return float(text)
        case Boolean():
            return text == "true"
        case Timestamp():
            return datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=UTC)
        case Struct():
            raise TypeError("groups of fields are not selected")
    assert_never(kind)
