"""Dead letters sent again: what would be sent, what became of each, and the state of one.

A request handles the letters that fail in its time, the oldest first, and returns where the next
one goes on. Its first page fixes the end of the range: what the replay itself makes is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from glue import UseCase, instants
from glue.deadletter import Reason
from glue.limits import RECORD_BYTES
from glue.parameters import Parameters
from glue.sql import literals, timestamp
from lambdas.dashboard import letters
from lambdas.dashboard.times import parsed, span, written_since
from lambdas.event_queries import first_day
from lambdas.finding import Search
from lambdas.http import tokens
from lambdas.http.queries import Instant
from lambdas.ports.lake_rows import LakeRows, LakeUnavailable, Row
from lambdas.ports.replays import Replay, Replays, State
from lambdas.replaying import (
    LEASE,
    Door,
    NotSendable,
    Resender,
    Sent,
    encoded,
    is_free,
    require_event,
    sendable,
)

WEEK = timedelta(days=7)
MOST = 100
SECONDS = 24.0
"""API Gateway waits 29 for the function."""
_NEEDED = 5.0  # no letter is begun with less
_FOR_ONE = 10.0
ANSWER_BYTES = 2_000_000
"""Of the records in one answer: Lambda's has at most 6 MiB."""
_COLUMNS = ("id", "stage", "reason", "event_id", "occurred_at", "failed_at")
# What the API accepts in base64, and what ingestion has added to it. Packed ones are larger still.
_PAYLOAD = (RECORD_BYTES + 1_024) * 4 // 3
_TOO_LARGE = f"the record is larger than the {RECORD_BYTES} bytes that the API accepts"
Result = Literal[
    "ready",
    "accepted",
    "accepted_before",
    "rejected",
    "sending",
    "unknown",
    "unsendable",
    "not_found",
]
Parsed = dict[str, Any]
"""A letter of the lake by column, with its times as instants."""


class Chosen(BaseModel):
    """A letter, and the record that is sent in the place of its own."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=1_024, description="The letter's id.")
    record: dict[str, Any] | None = Field(
        None,
        description="The corrected record; without event_id or occurred_at it has the letter's.",
    )


class ReplayRequest(BaseModel):
    """Which dead letters: those of `letters`, or those of a reason; that failed in [from, to)."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(
        False, strict=True, description="Send nothing, and return what would be sent."
    )
    reason: Reason | None = Field(None, description="Why they are not counted.")
    letters: list[Chosen] | None = Field(
        None, min_length=1, max_length=MOST, description="Only these."
    )
    from_: Instant | None = Field(
        None, alias="from", description="Failed at or after; default: a week before `to`."
    )
    to: Instant | None = Field(None, description="Failed before; default: now.")
    limit: int = Field(
        50, ge=1, le=MOST, strict=True, description="Maximum number of letters of this request."
    )
    next: str | None = Field(None, description="The `next` of the previous answer.")

    @field_validator("letters")
    @classmethod
    def _distinct(cls, chosen: list[Chosen] | None) -> list[Chosen] | None:
        ids = [letter.id for letter in chosen or ()]
        for id_ in ids:
            if ids.count(id_) > 1:
                raise ValueError(f"{id_[:80]!r} is repeated; send each id once")
        return chosen

    @model_validator(mode="after")
    def _one_filter(self) -> ReplayRequest:
        if self.letters is not None and self.reason is not None:
            raise ValueError("send `letters` or `reason`, not both")
        return self


class ReplayedLetter(BaseModel):
    """A letter, and what became of it in this request."""

    id: str = Field(description="Names the dead letter.")
    stage: str | None = Field(description="Which part of the platform refused it.")
    reason: str | None = Field(description="Why it is not counted.")
    failed_at: str | None = Field(description="When the platform refused it.")
    result: Result = Field(
        description="`ready`: it would be sent. `accepted`, `rejected`: the API's answer. "
        "`accepted_before`: it is not sent again. `sending`: another request sends it. `unknown`: "
        "the API has not answered; repeat the request, and the same record is sent. `unsendable`: "
        "correct it first. `not_found`: no letter of this id failed in this time."
    )
    detail: str | None = Field(description="Why, or what to do.")
    event_id: str | None = Field(description="The id of its record.")
    record: dict[str, Any] | None = Field(description="The record, in a dry run.")


class Replayed(BaseModel):
    """The letters of a request, the oldest first."""

    letters: list[ReplayedLetter] = Field(description="The letters.")
    next: str | None = Field(
        description="There are more: repeat the request with it as `next`. A request handles what "
        f"it can in {SECONDS:g} seconds, at most `limit` letters."
    )


class LetterQuery(BaseModel):
    """One letter."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=1_024, description="The letter's id.")


class ReplayState(BaseModel):
    """What is known of a letter's replay; kept for 35 days."""

    id: str = Field(description="The letter's id.")
    state: Literal["sending", "unknown", "accepted", "rejected"] | None = Field(
        description="null: it was not sent again."
    )
    at: str | None = Field(description="Since when.")
    detail: str | None = Field(description="Why it was rejected, or is unknown.")
    event_id: str | None = Field(description="The id of the record.")
    record: dict[str, Any] | None = Field(description="The record that was or is sent.")
    sendable: bool = Field(description="Whether it may be sent now.")


class FoundEvent(BaseModel):
    """Where an event of the record's id is now."""

    event_id: str = Field(description="Its id.")
    type: str = Field(description="Its type.")
    key: str = Field(description="Its key.")
    occurred_at: str = Field(description="Event time.")
    state: str = Field(description="counted, not counted, waiting or unknown.")
    detail: str = Field(description="In which row, why not, or until when.")


class Outcome(BaseModel):
    """What became of the record that a letter was sent again as."""

    id: str = Field(description="The letter's id.")
    events: list[FoundEvent] = Field(
        description="Empty: none was sent, or it is not in the lake yet, which takes a minute or "
        "two."
    )


@dataclass(frozen=True)
class Replaying:
    """Sends letters of the lake again, by the public API; `now` is UTC."""

    lake: LakeRows
    store: Replays
    door: Door
    now: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic

    def replay(self, use_case: str, request: ReplayRequest) -> dict[str, Any]:
        """A page of letters with what became of them. Raises LakeUnavailable, StoreUnavailable."""
        deadline = self.monotonic() + SECONDS
        page = _Page.of(use_case, request, self.now())
        rows = [_letter(row) for row in self.lake.query(use_case, page.sql)]
        records = {c.id: c.record for c in request.letters or () if c.record is not None}
        done, size = list[dict[str, Any]](), 0
        for row in rows[: request.limit]:
            left = deadline - self.monotonic()
            if left < _NEEDED or size > ANSWER_BYTES:
                break
            given = records.get(row["id"])
            found = self._dry(use_case, row, given) if request.dry_run else None
            found = found or self._send(use_case, row, given, min(_FOR_ONE, left - _NEEDED / 2))
            size += len(orjson.dumps(found["record"]))
            done.append(found)
        token = None
        if len(done) < len(rows):
            token = page.token(rows[len(done) - 1] if done else None)
        return {"letters": [*done, *page.missing({row["id"] for row in rows})], "next": token}

    def _send(
        self, use_case: str, row: Parsed, given: dict[str, Any] | None, seconds: float
    ) -> dict[str, Any]:
        try:
            record = _record(row, given)
        except NotSendable as error:
            return _result(row, "unsendable", str(error))
        sent = Resender(self.store, self.door, self.now).send(use_case, row["id"], record, seconds)
        return _result(row, *_result_of(sent), sent.replay.event_id)

    def _dry(self, use_case: str, row: Parsed, given: dict[str, Any] | None) -> dict[str, Any]:
        before = self.store.find(use_case, row["id"])
        if before and not is_free(before, self.now()):
            return _result(
                row, *_result_of(Sent(before, sent=False)), before.event_id, before.record
            )
        try:
            record = _record(row, given)
        except NotSendable as error:
            return _result(row, "unsendable", str(error))
        detail = None
        if before and before.state is State.REJECTED:
            detail = f"it was rejected before: {before.error}"
        elif before:
            detail = "its former replay has no result: that record is sent again"
            record = before.record
        return _result(row, "ready", detail, orjson.loads(record)["event_id"], record)

    def state(self, use_case: str, id_: str) -> dict[str, Any]:
        """What is known of a letter's replay. Raises StoreUnavailable."""
        found = self.store.find(use_case, id_)
        if found is None:
            nothing = dict.fromkeys(("state", "at", "detail", "event_id", "record"))
            return {"id": id_, **nothing, "sendable": True}
        return {
            "id": id_,
            "state": found.state,
            "at": instants.to_wire(found.at),
            "detail": found.error or None,
            "event_id": found.event_id,
            "record": orjson.loads(found.record),
            "sendable": is_free(found, self.now()),
        }

    def outcome(
        self,
        use_case: UseCase,
        id_: str,
        parameters: Parameters,
        through: Callable[[], datetime | None],
    ) -> dict[str, Any]:
        """Where the record of a letter's replay is. Raises LakeUnavailable, StoreUnavailable."""
        found = self.store.find(use_case.name, id_)
        if found is None or found.state is State.REJECTED:
            return {"id": id_, "events": []}
        deadline = self.monotonic() + SECONDS

        def rows(sql: str) -> Sequence[Mapping[str, Any]]:
            left = deadline - self.monotonic()
            if left <= 1:
                raise LakeUnavailable("the queries took too long")
            return self.lake.named(use_case.name, sql, left)

        since = first_day(self.now(), _days(found, self.now()))
        search = Search(use_case, parameters, since, rows, through, self.now)
        found_events = [verdict.as_dict() for verdict in search.verdicts(found.event_id)]
        names = FoundEvent.model_fields
        return {"id": id_, "events": [{n: event[n] for n in names} for event in found_events]}


def _days(replay: Replay, now: datetime) -> int:
    """How long ago the record may have been sent first: the letter's own event is older."""
    return (now - replay.at).days + 90


@dataclass(frozen=True)
class _Page:
    """The letters of a request that fail after a place."""

    request: ReplayRequest
    question: tuple[object, ...]
    start: datetime
    to: datetime
    after: tuple[datetime, str]

    @classmethod
    def of(cls, use_case: str, request: ReplayRequest, now: datetime) -> _Page:
        """Raises BadParameter for the token of another request."""
        ids = tuple(letter.id for letter in request.letters or ())
        question = ("replays", use_case, request.from_, request.to, request.reason, ids)
        if request.next is None:
            start, to = span(request.from_, request.to, now, WEEK)
            return cls(request, question, start, to, (start, ""))
        parts = tokens.decode(request.next, question, 4)
        start, to, at = (tokens.time(part, instants.parse) for part in parts[:3])
        return cls(request, question, start, to, (at, parts[3]))

    def token(self, last: Parsed | None) -> str:
        """The place after a letter, or where this page began."""
        at, id_ = (last["failed_at"], last["id"]) if last else self.after
        times = [instants.to_wire(moment) for moment in (self.start, self.to, at)]
        return tokens.encode([*times, id_], self.question)

    @property
    def sql(self) -> str:
        """The letters, the oldest first: all chosen ones, or one more than the limit."""
        most = len(self.request.letters) if self.request.letters else self.request.limit + 1
        at, id_ = timestamp(self.after[0]), literals(self.after[1])
        # What is larger than any record that the API accepts is not read.
        payload = f"encoding IS NULL AND length(payload) <= {_PAYLOAD}"
        return (
            f"SELECT {', '.join(_COLUMNS)}, CASE WHEN {payload} THEN payload END AS payload,\n"
            "  COALESCE(length(payload), 0) AS payload_length\n"
            f"FROM (\n{letters.once(self._conditions())}\n) AS letters\nWHERE repetition = 1\n"
            f"  AND (failed_at > {at} OR failed_at = {at} AND id > {id_})\n"
            f"ORDER BY failed_at, id\nLIMIT {most}"
        )

    def missing(self, known: Collection[str]) -> Iterator[dict[str, Any]]:
        """The chosen letters that are not there; the first page has them."""
        if self.request.next is not None:
            return
        detail = f"no dead letter of this id failed from {instants.to_wire(self.start)}"
        for chosen in self.request.letters or ():
            if chosen.id not in known:
                row = {"id": chosen.id, "stage": None, "reason": None, "failed_at": None}
                yield _result(row, "not_found", f"{detail} to {instants.to_wire(self.to)}")

    def _conditions(self) -> Iterator[str]:
        yield written_since(self.start)
        yield f"failed_at >= {timestamp(self.start)}"
        yield f"failed_at < {timestamp(self.to)}"
        if self.request.letters is not None:
            yield f"id IN ({literals([letter.id for letter in self.request.letters])})"
            return
        yield "stage = 'flink'"  # the others are no events of a sender
        if self.request.reason is not None:
            yield f"reason = {literals(self.request.reason)}"


def _letter(row: Row) -> Parsed:
    *columns, payload, length = row
    named = dict(zip(_COLUMNS, columns, strict=True))
    return {
        **named,
        "occurred_at": named["occurred_at"] and parsed(named["occurred_at"]),
        "failed_at": parsed(str(named["failed_at"])),
        "payload": payload,
        "encoding": None,
        "payload_length": int(length or 0),
    }


def _record(row: Parsed, given: dict[str, Any] | None) -> bytes:
    """Raises NotSendable."""
    require_event(row)
    if given is None and row["payload"] is None and row["payload_length"]:
        raise NotSendable(f"{row['id']}: {_TOO_LARGE}; correct it first")
    return sendable(row) if given is None else encoded(given, row)


def _result_of(sent: Sent) -> tuple[Result, str | None]:
    """The result of a letter, and why."""
    replay = sent.replay
    match replay.state:
        case State.ACCEPTED if sent.sent:
            return "accepted", None
        case State.ACCEPTED:
            return "accepted_before", f"accepted at {instants.to_wire(replay.at)}"
        case State.REJECTED:
            return "rejected", replay.error
        case State.UNKNOWN:
            return "unknown", f"{replay.error}; repeat the request: the same record is sent"
        case State.SENDING:
            until = instants.to_wire(replay.at + LEASE)
            return "sending", f"repeat the request after {until} if it has no result by then"


def _result(
    row: Parsed,
    result: Result,
    detail: str | None,
    event_id: str | None = None,
    record: bytes | None = None,
) -> dict[str, Any]:
    failed_at = row["failed_at"]
    return {
        **{name: row[name] for name in ("id", "stage", "reason")},
        "failed_at": failed_at and instants.to_wire(failed_at),
        "result": result,
        "detail": detail,
        "event_id": event_id and str(event_id),
        "record": None if record is None else orjson.loads(record),
    }
