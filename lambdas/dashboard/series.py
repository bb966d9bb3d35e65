"""Series from the lake: which there are, and their values, the newest first, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from glue import Integer, Series, UseCase, instants
from glue.schema import Kind
from glue.sql import literal, timestamp
from glue.targets.lake import lake_tables
from lambdas.dashboard.times import DAY, parsed, span, written_since
from lambdas.http import tokens
from lambdas.http.queries import BadParameter, Instant
from lambdas.ports.lake_rows import LakeRows

HOUR = timedelta(hours=1)
MAX_POINTS = 10_000
_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)


class LinesQuery(BaseModel):
    """How many."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=1_000, description="Maximum number of lines.")
    next: str | None = Field(None, description="The `next` of the previous page.")


class PointsQuery(BaseModel):
    """Whose values, in [from, to)."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(max_length=256, description="The key of the line.")
    of: str | None = Field(
        None, max_length=256, description="The line's `of`, where the series has one."
    )
    from_: Instant | None = Field(
        None, alias="from", description="Measured at or after; default: an hour before `to`."
    )
    to: Instant | None = Field(None, description="Measured before; default: now.")
    limit: int = Field(1_000, ge=1, le=MAX_POINTS, description="Maximum number of points.")
    next: str | None = Field(None, description="The `next` of the previous page.")


class Line(BaseModel):
    """One line of a chart."""

    key: str = Field(description="Whose values they are.")
    of: str | None = Field(description="Which of its values, where it has several.")


class Lines(BaseModel):
    """Lines with a value of today or yesterday, by key."""

    lines: list[Line] = Field(description="The lines.")
    next: str | None = Field(description="Pass it as `next` for the following page.")


class Point(BaseModel):
    """A value."""

    at: str = Field(description="When it was measured.")
    value: float = Field(description="The value.")


class Points(BaseModel):
    """The values of a line, one for each time, the newest first."""

    points: list[Point] = Field(description="The values.")
    next: str | None = Field(description="Pass it as `next` for the following page.")


def lines(
    lake: LakeRows, use_case: UseCase, series: Series, query: LinesQuery, now: datetime
) -> dict[str, Any]:
    """A page of lines."""
    question = ("lines", use_case.name, series.name)
    key, of = _text(series), f'"{series.by}"' if series.by else "''"
    conditions = [f"date >= '{now - DAY:%Y-%m-%d}'", *_own(series)]
    if query.next is not None:
        after = [literal(part) for part in tokens.decode(query.next, question, 2)]
        conditions.append(f"({key} > {after[0]} OR {key} = {after[0]} AND {of} > {after[1]})")
    rows = lake.query(
        use_case.name,
        f"SELECT DISTINCT {key} AS line_key, {of} AS line_of FROM {_table(use_case, series)}\n"
        "WHERE " + " AND ".join(conditions) + "\nORDER BY line_key, line_of\n"
        f"LIMIT {query.limit + 1}",
    )
    found = [{"key": row[0], "of": row[1] or None} for row in rows[: query.limit]]
    more = len(rows) > query.limit
    last = [str(found[-1]["key"]), found[-1]["of"] or ""] if more else []
    return {"lines": found, "next": tokens.encode(last, question) if more else None}


def points(
    lake: LakeRows, use_case: UseCase, series: Series, query: PointsQuery, now: datetime
) -> dict[str, Any]:
    """A page of points."""
    _check_of(series, query.of)
    question = ("points", use_case.name, series.name, query.key, query.of, query.from_, query.to)
    start, to = span(query.from_, query.to, now, HOUR)
    if query.next is not None:
        (before,) = tokens.decode(query.next, question, 1)
        to = tokens.time(before, parsed)
    rows = lake.query(use_case.name, _points(use_case, series, query, (start, to)))
    found = [
        {"at": instants.to_wire(parsed(str(at))), "value": float(str(value))}
        for at, value in rows[: query.limit]
    ]
    more = len(rows) > query.limit
    token = tokens.encode([str(rows[query.limit - 1][0])], question) if more else None
    return {"points": found, "next": token}


def _points(
    use_case: UseCase, series: Series, query: PointsQuery, within: tuple[datetime, datetime]
) -> str:
    """SQL: one row for each time. A file may contain what is older, never what is newer."""
    start, to = within
    at, value = f'"{series.at}"', f'"{series.value}"'
    conditions = [
        written_since(start),
        f'"{series.key_column.name}" = {_key(series, query.key)}',
        *([f'"{series.by}" = {literal(query.of or "")}'] if series.by else []),
        *_own(series),
        f"{at} >= {timestamp(start)}",
        f"{at} < {timestamp(to)}",
    ]
    return (
        f"SELECT {at} AS measured_at, MIN({value}) AS measured\n"
        f"FROM {_table(use_case, series)}\nWHERE "
        + "\n  AND ".join(conditions)
        + f"\nGROUP BY {at}\nORDER BY measured_at DESC\nLIMIT {query.limit + 1}"
    )


def _own(series: Series) -> Iterator[str]:
    """Which rows of the table are the series': a stream may have events of several types."""
    if series.schema.kind is Kind.EVENT:
        yield f"type = {literal(series.schema.type)}"
    yield f'"{series.key_column.name}" IS NOT NULL'
    yield f'"{series.value}" IS NOT NULL'


def _table(use_case: UseCase, series: Series) -> str:
    stream = series.schema.stream
    return next(table.parquet for table in lake_tables(use_case) if table.stream == stream)


def _text(series: Series) -> str:
    key = f'"{series.key_column.name}"'
    return f"CAST({key} AS VARCHAR)" if isinstance(series.key_column.type, Integer) else key


def _key(series: Series, key: str) -> str:
    if not isinstance(series.key_column.type, Integer):
        return literal(key)
    if not _INTEGER.fullmatch(key):
        raise BadParameter("key", f"{key[:60]!r} is not an integer")
    return key


def _check_of(series: Series, of: str | None) -> None:
    if series.by and of is None:
        raise BadParameter("of", f"is missing; `{series.name}` has one line for each {series.by}")
    if of is not None and not series.by:
        raise BadParameter("of", f"`{series.name}` has one line for each key; leave it out")
