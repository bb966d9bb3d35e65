"""Events in the lake and the result records made of them: the queries."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from glue import Schema, UseCase
from glue.sql import literal, literals
from glue.targets.lake import LakeTable, lake_tables

AT_ONCE = 500  # values in one query, which may have 262,144 bytes


def keys_of(use_case: UseCase) -> tuple[str, ...]:
    """The fields that are the key of an event."""
    return tuple(dict.fromkeys(event.key for event in use_case.events))


def events_queries(
    use_case: UseCase, texts: Collection[str], since: datetime, *, keys_only: bool = False
) -> list[str]:
    """SQL for each stream of events: those whose event_id or key is one of the texts."""
    tables = [t for t in lake_tables(use_case) if t.stream in use_case.event_streams]
    return [_events_query(use_case, table, texts, since, keys_only) for table in tables]


def _events_query(
    use_case: UseCase, table: LakeTable, texts: Collection[str], since: datetime, keys_only: bool
) -> str:
    keys = dict.fromkeys(event.key for event in use_case.events_on(table.stream))
    reports = dict.fromkeys(report.key for report in use_case.reports)
    names = {column.name for column in table.columns}
    searched = keys if keys_only else ("event_id", *keys)
    matches = [f"CAST({name} AS VARCHAR) IN ({literals(texts)})" for name in searched]
    columns = [*keys, *(name for name in reports if name in names and name not in keys)]
    return (
        f"SELECT event_id, type, {', '.join(columns)}, occurred_at, received_at\n"
        f"FROM {table.parquet}\n"
        f"WHERE date >= '{since:%Y-%m-%d}' AND ({' OR '.join(matches)})\n"
        "ORDER BY occurred_at, event_id"
    )


def results_query(use_case: UseCase, record: Schema, ids: Collection[str], since: datetime) -> str:
    """SQL: the result records of these events, with their type, their key and what counts them."""
    table = next(t for t in lake_tables(use_case) if t.stream == record.stream)
    columns = [*keys_of(use_case), *(report.key for report in use_case.reports)]
    columns = [name for name in dict.fromkeys(columns) if name in record.names]
    return (
        f"SELECT {', '.join(['event_id', *columns])}, {literal(record.event or '')} AS type\n"
        f"FROM {table.parquet}\n"
        f"WHERE date >= '{since:%Y-%m-%d}' AND event_id IN ({literals(ids)})"
    )


def first_day(present: datetime, days: int) -> datetime:
    """The day of the oldest partition that is read."""
    return present - timedelta(days=days + 1)
