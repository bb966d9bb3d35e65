"""Dead letters of the lake: grouped by reason and field, and listed page by page.

A letter that was delivered twice has the same id and is counted once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from glue import instants
from glue.deadletter import Reason, Stage
from glue.sql import literal, timestamp
from lambdas.dashboard.times import DAY, parsed, span, written_since
from lambdas.http import tokens
from lambdas.http.queries import Instant
from lambdas.ports.lake_rows import LakeRows, Row

TABLE = "parquet_dead_letters"
# Larger payloads are left out of a list; the letter alone has all of them.
LISTED_PAYLOAD = 16_384
_COLUMNS = ("id", "stage", "reason", "field", "detail", "event_id", "occurred_at", "failed_at")
_SOURCE = ("stream", "shard", "sequence_number")
_TIMES = ("occurred_at", "failed_at")


class LettersQuery(BaseModel):
    """Which dead letters: those that failed in [from, to)."""

    model_config = ConfigDict(extra="forbid")

    from_: Instant | None = Field(
        None, alias="from", description="Failed at or after; default: a day before `to`."
    )
    to: Instant | None = Field(None, description="Failed before; default: now.")
    stage: Stage | None = Field(None, description="Which part of the platform refused it.")
    reason: Reason | None = Field(None, description="Why it is not counted.")
    limit: int = Field(50, ge=1, le=100, description="Maximum number of rows.")
    next: str | None = Field(None, description="The `next` of the previous page.")


class ListQuery(LettersQuery):
    """Those of a field or an id too."""

    field: str | None = Field(
        None, max_length=256, description="The field that is wrong, as /price; empty: none."
    )
    id: str | None = Field(
        None, min_length=1, max_length=1_024, description="The letter of this id, with all bytes."
    )


class Group(BaseModel):
    """Dead letters with the same stage, reason and field."""

    stage: str = Field(description="Which part of the platform refused them.")
    reason: str = Field(description="Why they are not counted.")
    field: str | None = Field(description="The field that is wrong, if one is.")
    letters: int = Field(description="Their number.")
    oldest: str = Field(description="When the first failed.")
    newest: str = Field(description="When the last failed.")


class Groups(BaseModel):
    """A page of groups, ordered by stage, reason and field."""

    groups: list[Group] = Field(description="The groups.")
    next: str | None = Field(description="Pass it as `next` for the following page.")


class Source(BaseModel):
    """Where the record is stored."""

    stream: str | None = Field(description="The stream it was read from.")
    shard: str | None = Field(description="The shard.")
    sequence_number: str | None = Field(description="Its place in the shard.")


class Letter(BaseModel):
    """A record that was not counted, and why."""

    id: str = Field(description="Names this dead letter; a repetition has the same.")
    stage: str = Field(description="Which part of the platform refused it.")
    reason: str = Field(description="Why it is not counted.")
    field: str | None = Field(description="The field that is wrong.")
    detail: str | None = Field(description="What is wrong.")
    event_id: str | None = Field(description="The event's id, where it could be read.")
    occurred_at: str | None = Field(description="Event time, where it could be read.")
    failed_at: str = Field(description="When the platform refused it.")
    source: Source = Field(description="Where the record is stored.")
    payload: str | None = Field(description="The original bytes, base64.")
    encoding: str | None = Field(description="How the bytes are packed: gzip, or null.")
    payload_length: int = Field(
        description=f"Characters of base64. A list leaves out a payload above {LISTED_PAYLOAD:,}: "
        "ask for the letter by `id`."
    )


class Letters(BaseModel):
    """A page of dead letters, the newest first."""

    letters: list[Letter] = Field(description="The dead letters.")
    next: str | None = Field(description="Pass it as `next` for the following page.")


def groups(lake: LakeRows, use_case: str, query: LettersQuery, now: datetime) -> dict[str, Any]:
    """A page of groups."""
    question = ("groups", use_case, *_question(query))
    after = ""
    if query.next is not None:
        stage, reason, field = map(literal, tokens.decode(query.next, question, 3))
        after = (
            f"\n  AND (stage > {stage} OR stage = {stage} AND (reason > {reason}"
            f" OR reason = {reason} AND COALESCE(field, '') > {field}))"
        )
    rows = lake.query(
        use_case,
        "SELECT stage, reason, COALESCE(field, '') AS wrong, COUNT(*) AS letters,\n"
        "  MIN(failed_at) AS oldest, MAX(failed_at) AS newest\n"
        f"FROM (\n{once(_conditions(query, now))}\n) AS letters\nWHERE repetition = 1{after}\n"
        "GROUP BY stage, reason, COALESCE(field, '')\nORDER BY stage, reason, wrong\n"
        f"LIMIT {query.limit + 1}",
    )
    found = [_group(row) for row in rows[: query.limit]]
    return {"groups": found, "next": _next(rows, query.limit, question, (0, 1, 2))}


def letters(lake: LakeRows, use_case: str, query: ListQuery, now: datetime) -> dict[str, Any]:
    """A page of dead letters."""
    question = ("letters", use_case, *_question(query), query.field, query.id)
    after = ""
    if query.next is not None:
        at, id_ = tokens.decode(query.next, question, 2)
        before = timestamp(tokens.time(at, parsed))
        after = f"\n  AND (failed_at < {before} OR failed_at = {before} AND id > {literal(id_)})"
    payload = f"length(payload) <= {LISTED_PAYLOAD}" if query.id is None else "TRUE"
    columns = ", ".join([*_COLUMNS, *(f"source_{name}" for name in _SOURCE)])
    rows = lake.query(
        use_case,
        f"SELECT {columns},\n  CASE WHEN {payload} THEN payload END AS payload, encoding,"
        f" COALESCE(length(payload), 0) AS payload_length"
        f"\nFROM (\n{once(_conditions(query, now))}\n) AS letters\nWHERE repetition = 1{after}"
        f"\nORDER BY failed_at DESC, id\nLIMIT {query.limit + 1}",
    )
    found = [_letter(row) for row in rows[: query.limit]]
    place = (_COLUMNS.index("failed_at"), _COLUMNS.index("id"))
    return {"letters": found, "next": _next(rows, query.limit, question, place)}


def once(conditions: Iterable[str]) -> str:
    """SQL: each dead letter of these conditions, numbered among its repetitions."""
    return (
        f"  SELECT {', '.join(_COLUMNS)}, payload, encoding, source.stream AS source_stream,\n"
        "    source.shard AS source_shard,"
        " source.sequence_number AS source_sequence_number,\n"
        "    ROW_NUMBER() OVER (PARTITION BY id ORDER BY failed_at) AS repetition\n"
        f"  FROM {TABLE}\n  WHERE " + "\n    AND ".join(conditions)
    )


def _conditions(query: LettersQuery, now: datetime) -> Iterator[str]:
    start, to = span(query.from_, query.to, now, DAY)
    yield written_since(start)
    yield f"failed_at >= {timestamp(start)}"
    yield f"failed_at < {timestamp(to)}"
    for name in ("stage", "reason", "id"):
        if (value := getattr(query, name, None)) is not None:
            yield f"{name} = {literal(value)}"
    if (field := getattr(query, "field", None)) is not None:
        yield f"COALESCE(field, '') = {literal(field)}"


def _question(query: LettersQuery) -> tuple[object, ...]:
    return (query.from_, query.to, query.stage, query.reason)


def _next(
    rows: Any, limit: int, question: tuple[object, ...], place: tuple[int, ...]
) -> str | None:
    if len(rows) <= limit:
        return None
    return tokens.encode([rows[limit - 1][i] or "" for i in place], question)


def _group(row: Row) -> Mapping[str, Any]:
    stage, reason, field, number, oldest, newest = row
    return {
        "stage": stage,
        "reason": reason,
        "field": field or None,
        "letters": int(number or 0),
        "oldest": _wire(oldest),
        "newest": _wire(newest),
    }


def _letter(row: Row) -> Mapping[str, Any]:
    named = dict(zip(_COLUMNS, row, strict=False))
    stream, shard, number, payload, encoding, length = row[len(_COLUMNS) :]
    return {
        **named,
        **{name: _wire(named[name]) for name in _TIMES},
        "source": {"stream": stream, "shard": shard, "sequence_number": number},
        "payload": payload,
        "encoding": encoding,
        "payload_length": int(length or 0),
    }


def _wire(text: str | None) -> str | None:
    """A time of the lake as an instant of the API."""
    return text and instants.to_wire(parsed(text))
