"""Business events of the lake, by Athena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

from glue import Catalog, UseCase
from glue.sql import timestamp
from glue.targets.lake import LakeTable, lake_tables
from glue.types import Boolean, Column, ColumnType, Double, Integer, String, Struct, Timestamp
from lambdas.adapters.lake_rows import AthenaRows
from lambdas.ports.business_events import LakeUnavailable


class LakeBusinessEvents:
    """The `BusinessEvents` of every use case that decides about some; mappings by use case."""

    def __init__(
        self, catalog: Catalog, databases: Mapping[str, str], workgroups: Mapping[str, str]
    ) -> None:
        self._tables = {
            u.name: table_of(u) for u in catalog.use_cases if u.definitions and u.definitions.event
        }
        self._rows = AthenaRows(databases, workgroups)

    def between(
        self, use_case: str, kind: str, start: datetime, end: datetime, limit: int
    ) -> Sequence[dict[str, Any]]:
        """Business events of a kind within a range, the newest first."""
        table = self._tables[use_case]
        rows = self._rows.query(use_case, statement(table, kind, start, end, limit))
        return [_row(table.columns, row) for row in rows]


def table_of(use_case: UseCase) -> LakeTable:
    """The lake's table of a use case's business events."""
    assert use_case.definitions and use_case.definitions.event
    stream = use_case.definitions.event.stream
    return next(table for table in lake_tables(use_case) if table.stream == stream)


def statement(table: LakeTable, kind: str, start: datetime, end: datetime, limit: int) -> str:
    """The query. A file may contain what occurred long before, never what occurred after it."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return (
        f"SELECT {names} FROM {table.parquet} "
        f"WHERE date >= '{start:%Y-%m-%d}' AND kind = '{kind}' "
        f"AND occurred_at >= {timestamp(start)} AND occurred_at < {timestamp(end)} "
        f"ORDER BY occurred_at DESC LIMIT {limit}"
    )


def _row(columns: Sequence[Column], row: Sequence[str | None]) -> dict[str, Any]:
    """By field, without absent ones."""
    pairs = zip(columns, row, strict=True)
    return {c.name: _value(c.type, text) for c, text in pairs if text is not None}


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
            raise LakeUnavailable("business events with groups of fields are not read")
    assert_never(kind)
