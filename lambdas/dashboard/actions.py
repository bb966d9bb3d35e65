"""What was decided for customers, and what was sent to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import dropwhile, islice
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from glue import UseCase, instants
from glue.definitions import DECISIONS
from glue.sql import literal, timestamp
from glue.targets.lake import LakeTable, lake_tables
from lambdas.dashboard.times import DAY, parsed, span, written_since
from lambdas.http import tokens
from lambdas.http.queries import Instant, NotFound
from lambdas.ports.actions import ActionLog, Decision, Outcome, Status
from lambdas.ports.lake_rows import LakeRows, Row

STATUSES = (*(o.value for o in Outcome if o is not Outcome.DUE), *(s.value for s in Status))
_COLUMNS = (
    "id",
    "kind",
    "subject",
    "customer_id",
    "occurred_at",
    "passed",
    "rules",
    "score",
    "model_version",
    "action_id",
    "detail",
    "trace_id",
)


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")

    customer: str | None = Field(
        None, min_length=1, max_length=256, description="Only of this customer."
    )
    from_: Instant | None = Field(None, alias="from", description="Default: a day before `to`.")
    to: Instant | None = Field(None, description="Before this time; default: now.")
    limit: int = Field(20, ge=1, le=100, description="Maximum number of rows.")
    next: str | None = Field(None, description="The `next` of the previous page.")


class ActionsQuery(_Query):
    """Actions that were decided in [from, to)."""


class DecisionsQuery(_Query):
    """Decisions about what happened in [from, to)."""

    subject: str | None = Field(
        None, min_length=1, max_length=256, description="Only about this subject."
    )
    passed: bool | None = Field(None, description="Only those that passed, or that did not.")


class Delivered(BaseModel):
    """An action at one destination."""

    status: str = Field(description="`pending`, `sent` or `dead`.")
    attempts: int = Field(description="How often it was tried.")
    at: str | None = Field(description="When it was accepted or given up.")
    error: str | None = Field(description="Why the last attempt failed.")


class ActionRow(BaseModel):
    """An action, and what became of it."""

    id: str = Field(description="Names this action.")
    kind: str = Field(description="The kind of the business event.")
    channel: str = Field(description="How it is sent.")
    customer: str = Field(description="Who gets it.")
    title: str | None = Field(description="Its title.")
    message: str | None = Field(description="Its text.")
    outcome: str = Field(description="`due`, or why it is not sent: `capped`, `expired`.")
    occurred_at: str = Field(description="When the business event happened.")
    decided_at: str = Field(description="When it was accepted for its destinations.")
    due_at: str = Field(description="From when on it is sent.")
    destinations: dict[str, Delivered] = Field(description="By destination.")


class ActionRows(BaseModel):
    """A page of actions, the newest first."""

    actions: list[ActionRow] = Field(description="The actions.")
    next: str | None = Field(description="Pass it as `next` for the following page.")


class RuleResult(BaseModel):
    """What a rule said about a business event."""

    name: str = Field(description="The rule.")
    version: int = Field(description="Its version.")
    mode: str = Field("live", description="`live`, or `shadow`: it has no effect.")
    result: str = Field(description="`true`, `false` or `error`.")
    reason: str | None = Field(
        None, description="Which comparison failed, with its values; of an error, what it was."
    )
    features: dict[str, int] = Field(
        {}, description="The version of each feature that it, or its action's template, names."
    )


class DecisionRow(BaseModel):
    """What was decided about a business event."""

    id: str = Field(description="Names the business event.")
    kind: str = Field(description="Its kind.")
    subject: str = Field(description="What it is about.")
    customer_id: str | None = Field(description="Whom it is about, if that is known.")
    occurred_at: str = Field(description="When it happened.")
    passed: bool = Field(description="Whether a live rule was true.")
    rules: list[RuleResult] = Field(description="Each rule that was in force.")
    score: float | None = Field(description="The score of its action.")
    model_version: str | None = Field(description="The model of the score.")
    action_id: str | None = Field(description="The action that follows.")
    detail: str | None = Field(description="What else decided.")
    trace_id: str | None = Field(description="The event that it began with.")


class DecisionRows(BaseModel):
    """A page of decisions, the newest first."""

    decisions: list[DecisionRow] = Field(description="The decisions.")
    next: str | None = Field(description="Pass it as `next` for the following page.")


def actions(
    log: ActionLog, use_case: UseCase, query: ActionsQuery, now: datetime
) -> dict[str, Any]:
    """A page of actions."""
    question = ("actions", use_case.name, query.customer, query.from_, query.to)
    start, to = span(query.from_, query.to, now, DAY)
    after: tuple[datetime, str] | None = None
    if query.next is not None:
        at, id_ = tokens.decode(query.next, question, 2)
        after = (tokens.time(at, instants.parse), id_)
    last = after[0] if after else to - timedelta(milliseconds=1)
    if last < start:
        return {"actions": [], "next": None}
    found = _after(log.newest(query.customer, start, last), after)
    page = list(islice(found, query.limit + 1))
    token = None
    if len(page) > query.limit:
        end = page[query.limit - 1]
        token = tokens.encode([instants.to_wire(end.decided_at), end.id], question)
    return {"actions": [_action(each) for each in page[: query.limit]], "next": token}


def _after(found: Iterator[Decision], after: tuple[datetime, str] | None) -> Iterator[Decision]:
    if after is None:
        return found
    at, id_ = after
    return dropwhile(lambda one: one.decided_at == at and one.id <= id_, found)


def _action(action: Decision) -> dict[str, Any]:
    data = orjson.loads(action.body).get("data", {})
    return {
        "id": action.id,
        "kind": action.kind,
        "channel": action.channel,
        "customer": action.customer,
        "title": data.get("title"),
        "message": data.get("message"),
        "outcome": str(action.outcome),
        **{
            name: instants.to_wire(getattr(action, name))
            for name in ("occurred_at", "decided_at", "due_at")
        },
        "destinations": {
            name: {
                "status": str(state.status),
                "attempts": state.attempt,
                "at": state.at and instants.to_wire(state.at),
                "error": state.error or None,
            }
            for name, state in sorted(action.states.items())
        },
    }


def decisions(
    lake: LakeRows, use_case: UseCase, query: DecisionsQuery, now: datetime
) -> dict[str, Any]:
    """A page of decisions. A decision that was written twice has the same id."""
    table = _table(use_case)
    question = (
        *("decisions", use_case.name, query.customer, query.subject),
        *(query.passed, query.from_, query.to),
    )
    after = ""
    if query.next is not None:
        at, id_ = tokens.decode(query.next, question, 2)
        before = timestamp(tokens.time(at, parsed))
        after = (
            f"\n  AND (occurred_at < {before} OR occurred_at = {before} AND id > {literal(id_)})"
        )
    names = [c for c in _COLUMNS if c in {column.name for column in table.columns}]
    rows = lake.query(
        use_case.name,
        f"SELECT {', '.join(names)}\nFROM (\n"
        f"  SELECT {', '.join(names)},\n"
        "    ROW_NUMBER() OVER (PARTITION BY id ORDER BY occurred_at) AS repetition\n"
        f"  FROM {table.parquet}\n  WHERE "
        + "\n    AND ".join(_conditions(query, names, now))
        + "\n"
        f") AS decided\nWHERE repetition = 1{after}\nORDER BY occurred_at DESC, id\n"
        f"LIMIT {query.limit + 1}",
    )
    token = None
    if len(rows) > query.limit:
        last = dict(zip(names, rows[query.limit - 1], strict=True))
        token = tokens.encode([str(last["occurred_at"]), str(last["id"])], question)
    return {"decisions": [_decision(names, row) for row in rows[: query.limit]], "next": token}


def _table(use_case: UseCase) -> LakeTable:
    for table in lake_tables(use_case):
        if use_case.definitions is not None and table.stream == DECISIONS:
            return table
    raise NotFound(f"{use_case.name} has no decisions")


def _conditions(query: DecisionsQuery, names: list[str], now: datetime) -> Iterator[str]:
    start, to = span(query.from_, query.to, now, DAY)
    yield written_since(start)
    yield f"occurred_at >= {timestamp(start)}"
    yield f"occurred_at < {timestamp(to)}"
    if query.customer is not None:
        # Without a customer of its own, a decision is about its subject.
        known = "customer_id" in names
        who = "COALESCE(customer_id, subject)" if known else "subject"
        yield f"{who} = {literal(query.customer)}"
    if query.subject is not None:
        yield f"subject = {literal(query.subject)}"
    if query.passed is not None:
        yield "passed" if query.passed else "NOT passed"


def _decision(names: list[str], row: Row) -> Mapping[str, Any]:
    found = {**dict.fromkeys(_COLUMNS), **dict(zip(names, row, strict=True))}
    score = found["score"]
    return {
        **found,
        "occurred_at": instants.to_wire(parsed(str(found["occurred_at"]))),
        "passed": str(found["passed"]).lower() == "true",
        "rules": orjson.loads(found["rules"] or "[]"),
        "score": None if score is None else float(score),
    }
