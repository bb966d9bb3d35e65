"""The ledger: what was received in each minute, what became of it, and whether that balances."""

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
