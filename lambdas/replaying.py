"""Sends the records of dead letters again, each at most once as one event, by the public API.

Before a record is sent it is stored with its letter's id, and the result after it. A letter whose
record was accepted is not sent again. One whose result is unknown is sent again as it was stored,
with the same event_id and event time, so that it counts once: that its sender has ended without a
result is known only after `LEASE`. One that was rejected may be sent as another record: the API
decides the same about the same record, so no earlier attempt at it is stored either.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from glue.deadletter import original
from glue.errors import PlatformError
from glue.instants import to_wire
from glue.schema import RECEIPT
from lambdas.ports.replays import Replay, Replays, State

Letter = Mapping[str, Any]
OURS = ("received_at", RECEIPT)
"""What ingestion adds by itself, and takes from nobody."""
SECONDS = 40.0
"""For at most this long a record is sent: attempts and pauses."""
LEASE = timedelta(minutes=2)
"""After this time a sender has ended: `SECONDS`, and what the API then may take for a request."""
NDJSON = {"content-type": "application/x-ndjson"}
_AGAIN = (429, 500, 502, 503, 504)
_UNAVAILABLE = "unavailable"  # the code of a valid record that could not be stored, or may be
_LONGEST_PAUSE = 5.0


class NotSendable(PlatformError):
    """A dead letter's record cannot be sent as it is."""


class Unanswered(PlatformError):
    """A request to the API was not answered: it may have been received."""


class Answer(NamedTuple):
    """The API's answer to a request with one record; `retry_after` in seconds."""

    status: int
    body: bytes
    retry_after: float | None = None


Post = Callable[[bytes, float], Answer]
"""Sends one record as NDJSON within some seconds. Raises Unanswered."""


@dataclass(frozen=True)
class Door:
    """The public API, by `post`; `pause` waits seconds."""

    post: Post
    pause: Callable[[float], object] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def send(self, record: bytes, seconds: float = SECONDS) -> tuple[State, str]:
        """The result of a record, and why; tried again until it has one or the time is over."""
        deadline, pause = self.monotonic() + seconds, 0.2
        while True:
            state, error, wait = self._attempt(record, deadline - self.monotonic())
            pause = min(2 * pause, _LONGEST_PAUSE)
            wait = pause if wait is None else wait
            # the next attempt needs some time, too
            if state is not State.UNKNOWN or self.monotonic() + wait + 1 > deadline:
                return state, error
            self.pause(wait)

    def _attempt(self, record: bytes, seconds: float) -> tuple[State, str, float | None]:
        try:
            answer = self.post(record, seconds)
        except Unanswered as error:
            return State.UNKNOWN, str(error), None
        return *result(answer), answer.retry_after


def result(answer: Answer) -> tuple[State, str]:
    """The result of the one record of a request, and why.

    It is rejected only if the answer is about the record. Everything else leaves it unknown: a
    wrong key, an overload, a fault.
    """
    try:
        body: Any = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        body = None
    body = body if isinstance(body, dict) else {}
    if isinstance(results := body.get("results"), list) and len(results) == 1:
        (found,) = results
        if found["status"] == "accepted":
            return State.ACCEPTED, ""
        error = found["error"]
        text = f"{error.get('field') or ''} {error.get('message') or ''}".strip()
        return State.UNKNOWN if error["code"] == _UNAVAILABLE else State.REJECTED, text
    text = str(body.get("detail") or body.get("title") or f"HTTP {answer.status}")
    refused = 400 <= answer.status < 500 and answer.status not in (401, 403, 404, *_AGAIN)
    return (State.REJECTED if refused else State.UNKNOWN), text


class Sent(NamedTuple):
    """What became of a letter in one replay; `sent` is whether this replay has sent its record."""

    replay: Replay
    sent: bool


@dataclass(frozen=True)
class Resender:
    """Sends the records of letters; `clock` is UTC."""

    store: Replays
    door: Door
    clock: Callable[[], datetime]

    def send(self, use_case: str, letter: str, record: bytes, seconds: float = SECONDS) -> Sent:
        """Sends the record of one letter, or what was stored of an attempt without a result.

        Not if its record was accepted before or is being sent; that replay is returned. Raises
        StoreUnavailable; what was sent then has no result, as if the sender had ended.
        """
        before = self.store.find(use_case, letter)
        if before and not is_free(before, self.clock()):
            return Sent(before, sent=False)
        kept = before.record if before and before.state is not State.REJECTED else record
        claimed = Replay(use_case, letter, kept, State.SENDING, self._now())
        if not self.store.advance(claimed, before):
            return self._by_another(claimed)
        state, error = self.door.send(kept, seconds)
        done = replace(claimed, state=state, error=error, at=self._now())
        if state is State.ACCEPTED:
            self.store.accept(done)
        elif not self.store.advance(done, claimed):
            return self._by_another(claimed)
        return Sent(done, sent=True)

    def _by_another(self, claimed: Replay) -> Sent:
        found = self.store.find(claimed.use_case, claimed.letter)
        return Sent(found or claimed, sent=False)

    def _now(self) -> datetime:
        """Milliseconds, as it is stored."""
        at = self.clock()
        return at.replace(microsecond=at.microsecond // 1000 * 1000)


def is_free(replay: Replay, now: datetime) -> bool:
    """Whether its letter may be sent: not accepted, and not being sent."""
    if replay.state is State.SENDING:
        return now - replay.at >= LEASE
    return replay.state is not State.ACCEPTED


def send_all(
    rows: Iterable[tuple[str, str, bytes]], resender: Resender
) -> Iterator[tuple[str, str, Sent]]:
    """Sends the records of (use case, letter's id, record); yields each with its result."""
    for use_case, letter, record in rows:
        yield use_case, letter, resender.send(use_case, letter, record)


def sendable(row: Letter) -> bytes:
    """The record of a letter as its sender would send it again. Raises NotSendable.

    It keeps the event_id and the event time, by which the platform recognises it; where the record
    has none they are derived from the letter, so that each replay has the same.
    """
    require_event(row)
    data = original(row["payload"], row["encoding"])
    try:
        record = orjson.loads(data or b"")
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        raise NotSendable(f"{row['id']}: the record is not a JSON object; correct it first")
    return encoded(record, row)


def require_event(row: Letter) -> None:
    """Raises NotSendable for a letter that is no event of a sender."""
    if row["stage"] != "flink":
        raise NotSendable(f"{row['id']}: of stage {row['stage']}, which is no event of a sender")


def encoded(record: Mapping[str, Any], row: Letter) -> bytes:
    """A record with the event_id and the event time of its letter, where it has none itself.

    Raises NotSendable for one that is nested too deeply.
    """
    derived = hashlib.sha256(str(row["id"]).encode()).hexdigest()[:32]
    named = {
        "event_id": row.get("event_id") or f"replay-{derived}",
        "occurred_at": _wire(row.get("occurred_at") or row["failed_at"]),
    }
    kept = {k: v for k, v in record.items() if v is not None and k not in OURS}
    try:
        return orjson.dumps({**named, **kept})
    except orjson.JSONEncodeError as error:
        raise NotSendable(f"{row['id']}: the record cannot be written: {error}") from None


def _wire(moment: Any) -> str:
    if isinstance(moment, datetime):
        return to_wire(moment)
    text = str(moment).removesuffix(" UTC").replace(" ", "T")
    return text if text.endswith("Z") else f"{text}Z"
