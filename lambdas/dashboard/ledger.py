"""The ledger: what was received in each minute, what became of it, and what is missing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from glue import UseCase
from glue.instants import parse, to_wire
from glue.parameters import Parameters
from lambdas.balance import Ledger, Limits, Minute, minutes
from lambdas.dashboard.times import DAY, span
from lambdas.http import tokens
from lambdas.http.queries import Instant
from lambdas.missing import Lookup, MissingRecords
from lambdas.ports.lake_rows import LakeRows
from lambdas.ports.ledger import MINUTE, minute_of

# Of one query; API Gateway waits 29 seconds for all of them.
SECONDS = 12.0


class LedgerQuery(BaseModel):
    """Which minutes of receipt."""

    model_config = ConfigDict(extra="forbid")

    from_: Instant | None = Field(
        None, alias="from", description="From this time of receipt; default: a day before `to`."
    )
    to: Instant | None = Field(None, description="Before this time; default: now.")
    wrong: bool = Field(False, description="Only minutes that do not balance.")
    limit: int = Field(60, ge=1, le=1_440, description="Maximum number of minutes.")
    next: str | None = Field(None, description="The `next` of the previous page.")


class LedgerMinute(BaseModel):
    """A minute of receipt. It balances when ok ≤ outcomes + open ≤ ok + unknown."""

    minute: str = Field(description="Its start.")
    ok: int = Field(description="Records that were acknowledged.")
    refused: int = Field(description="Records that were answered with an error.")
    unknown: int = Field(description="Records that may be stored: the call was not answered.")
    outcomes: dict[str, int] = Field(description="What became of them, by name.")
    redelivered: int = Field(description="Further copies that the platform itself stored.")
    open: int = Field(description="Not read yet, or waiting for others.")
    missing: int = Field(description="Acknowledged and without an outcome.")
    excess: int = Field(description="Outcomes of what was not received.")
    state: str = Field(description="`balances`, `closed`, `missing` or `excess`.")


class LedgerMinutes(BaseModel):
    """A page of minutes with records, the newest first."""

    minutes: list[LedgerMinute] = Field(description="The minutes.")
    next: str | None = Field(description="Pass it as `next` for the following page.")


class MissingQuery(BaseModel):
    """Which minute of receipt."""

    model_config = ConfigDict(extra="forbid")

    minute: Instant = Field(description="A time in the minute.")
    limit: int = Field(100, ge=1, le=500, description="Maximum number of records.")


class MissingRow(BaseModel):
    """A record of the minute with neither a result nor a dead letter."""

    event_id: str = Field(description="Its id.")
    type: str = Field(description="Its type.")
    key: str = Field(description="Its key; empty if it has none.")
    occurred_at: str = Field(description="Event time; empty if it has none.")
    received_at: str = Field(description="When it was received.")
    state: str = Field(description="`missing`, or `unknown`: it may be counted.")
    last_seen: str = Field(description="The stream and the lake's table that have it.")


class MissingRows(BaseModel):
    """What was accepted in a minute and is not counted, as far as the lake knows."""

    minute: str = Field(description="Its start.")
    missing: int = Field(description="Acknowledged and without an outcome, by the ledger.")
    records: list[MissingRow] = Field(description="The records, those that are missing first.")
    hidden: int = Field(description="Further such records.")
    notes: list[str] = Field(description="What cannot be known, a sentence each.")


def missing(
    stored: Ledger,
    lake: LakeRows,
    use_case: UseCase,
    query: MissingQuery,
    watermark: datetime | None,
    own: Parameters,
) -> dict[str, Any]:
    """The missing records of a minute; `watermark` was read before the ledger is."""
    start, limits = minute_of(query.minute), Limits.of(own)
    found = [*minutes(stored, use_case.name, (start, start + MINUTE), watermark, limits)]
    if not found:
        return {"minute": to_wire(start), "missing": 0, **MissingRecords().as_dict()}

    def rows(sql: str) -> Any:
        return lake.named(use_case.name, sql, SECONDS)

    lookup = Lookup(use_case, limits, watermark, rows, query.limit)
    records = lookup(found[0]).as_dict()
    return {"minute": to_wire(start), "missing": found[0].missing, **records}


def ledger(
    stored: Ledger,
    use_case: UseCase,
    query: LedgerQuery,
    watermark: datetime | None,
    own: Parameters,
    now: datetime,
) -> dict[str, Any]:
    """A page of minutes; `watermark` was read before the ledger is."""
    question = ("ledger", use_case.name, query.from_, query.to, query.wrong)
    start, to = span(query.from_, query.to, now, DAY)
    if query.next is not None:
        (before,) = tokens.decode(query.next, question, 1)
        to = tokens.time(before, parse)
    found = minutes(stored, use_case.name, (start, to), watermark, Limits.of(own))
    shown = [m for m in found if not (query.wrong and m.balances)][::-1]
    page = shown[: query.limit]
    more = len(shown) > query.limit
    return {
        "minutes": [_row(minute) for minute in page],
        "next": tokens.encode([to_wire(page[-1].minute)], question) if more else None,
    }


def _row(minute: Minute) -> dict[str, Any]:
    return {
        "minute": to_wire(minute.minute),
        "ok": minute.ok,
        "refused": minute.refused,
        "unknown": minute.unknown,
        "outcomes": dict(minute.outcomes),
        "redelivered": minute.redelivered,
        "open": minute.open,
        "missing": minute.missing,
        "excess": minute.excess,
        "state": _state(minute),
    }


def _state(minute: Minute) -> str:
    if minute.missing:
        return "missing"
    if minute.excess:
        return "excess"
    return "closed" if minute.is_closed else "balances"
