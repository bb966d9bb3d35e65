"""Records of dead letters are sent again at most once, as what they were."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from glue.targets.dynamodb import KeyAttribute
from lambdas.adapters.replays import DynamoReplays
from lambdas.ports.replays import Replay, Replays, State
from lambdas.replaying import (
    LEASE,
    Answer,
    Door,
    NotSendable,
    Resender,
    Sent,
    Unanswered,
    result,
    sendable,
)
from tests.unit.lambdas.tables import create_table

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
RECORD = {
    "tx_id": "t1",
    "type": "click",
    "event_id": "e1",
    "occurred_at": "2026-03-01T09:00:00.000Z",
    "received_at": "2026-03-01T09:00:01.000Z",
    "receipt": 7,
}
ACCEPTED = Answer(202, b'{"accepted":1,"results":[{"index":0,"status":"accepted"}]}')


def refusal(code: str, field: str = "", message: str = "") -> Answer:
    error = {"code": code, "field": field, "message": message}
    results = [{"index": 0, "status": "rejected", "error": error}]
    body = json.dumps({"accepted": 0, "rejected": 1, "results": results}).encode()
    return Answer(503 if code == "unavailable" else 400, body)


def letter(record: Any = RECORD, **more: Any) -> dict[str, Any]:
    data = record if isinstance(record, bytes) else json.dumps(record).encode()
    row = {
        "id": "s0:1:late",
        "stage": "flink",
        "reason": "late",
        "event_id": "e1",
        "occurred_at": "2026-03-01 09:00:00.000 UTC",
        "failed_at": "2026-03-01 09:30:00.000 UTC",
        "payload": base64.b64encode(data).decode(),
        "encoding": None,
    }
    return {**row, **more}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replays]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb")
        create_table(client, "t-ledger", KeyAttribute("pk", "S"), KeyAttribute("sk", "S"))
        yield DynamoReplays("t-ledger", client)


class Api:
    """Answers by script, then accepts. Its time passes only while it is waited for."""

    def __init__(self, *script: Callable[[], Answer]) -> None:
        self.script = [*script]
        self.sent: list[dict[str, Any]] = []
        self.seconds = 0.0

    def __call__(self, record: bytes, seconds: float) -> Answer:
        assert seconds > 0
        self.sent.append(json.loads(record))
        return self.script.pop(0)() if self.script else ACCEPTED

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


def run(
    store: Replays,
    api: Api,
    row: dict[str, Any],
    record: bytes | None = None,
    at: datetime = AT,
) -> Sent:
    door = Door(api, api.wait, lambda: api.seconds)
    return Resender(store, door, lambda: at).send("adtech", row["id"], record or sendable(row))


def unanswered() -> Answer:
    raise Unanswered("timed out")


# --- once


def test_a_record_is_sent_as_its_sender_sent_it(store: Replays) -> None:
    api = Api()
    assert run(store, api, letter()).replay.state is State.ACCEPTED
    assert api.sent == [{k: v for k, v in RECORD.items() if k not in ("received_at", "receipt")}]


def test_a_letter_is_sent_once(store: Replays) -> None:
    api = Api()
    assert run(store, api, letter()).sent
    again = run(store, api, letter(), b'{"event_id": "another"}')
    assert (again.sent, again.replay.state, again.replay.event_id) == (False, State.ACCEPTED, "e1")
    assert len(api.sent) == 1


def test_after_a_sender_that_ended_the_same_record_is_sent_again(store: Replays) -> None:
    """Also if it would be edited now: the former one may be stored."""

    def dies() -> Answer:
        raise KeyboardInterrupt

    api = Api(dies)
    with pytest.raises(KeyboardInterrupt):
        run(store, api, letter())
    edited = json.dumps({**RECORD, "event_id": "other"}).encode()
    at_once = run(store, api, letter(), edited, AT + LEASE - timedelta(milliseconds=1))
    assert (at_once.sent, at_once.replay.state) == (False, State.SENDING)
    later = run(store, api, letter(), edited, AT + LEASE)
    assert (later.sent, later.replay.state) == (True, State.ACCEPTED)
    assert api.sent[0] == api.sent[1]


def test_what_the_api_does_not_answer_is_sent_again_at_once_as_it_was(store: Replays) -> None:
    api = Api(*[unanswered] * 50)
    lost = run(store, api, letter())
    assert (lost.replay.state, lost.replay.error) == (State.UNKNOWN, "timed out")
    assert 5 < len(api.sent) < 50 and api.seconds < LEASE.total_seconds() / 2
    api.script.clear()
    edited = json.dumps({**RECORD, "event_id": "other"}).encode()
    assert run(store, api, letter(), edited).replay.state is State.ACCEPTED
    assert {each["event_id"] for each in api.sent} == {"e1"}


def test_a_record_that_may_be_stored_is_not_rejected(store: Replays) -> None:
    """A call to the stream that timed out may have stored it all the same."""
    api = Api(*[lambda: refusal("unavailable", message="not stored: timed out")] * 50)
    assert run(store, api, letter()).replay.state is State.UNKNOWN


def test_an_overloaded_api_is_waited_for_as_long_as_it_says(store: Replays) -> None:
    api = Api(lambda: Answer(429, b'{"title":"Too many requests"}', 7.0))
    assert run(store, api, letter()).replay.state is State.ACCEPTED
    assert api.seconds == 7.0


def test_a_rejected_record_may_be_corrected_and_sent_again(store: Replays) -> None:
    api = Api(lambda: refusal("missing_field", "/tx_id", "is missing"))
    assert run(store, api, letter()).replay.error == "/tx_id is missing"
    assert run(store, api, letter()).replay.state is State.ACCEPTED
    found = store.find("adtech", "s0:1:late")
    assert found is not None and (found.state, found.event_id) == (State.ACCEPTED, "e1")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (ACCEPTED, State.ACCEPTED),
        (refusal("too_large"), State.REJECTED),
        (refusal("unavailable"), State.UNKNOWN),
        (Answer(413, b'{"title":"x","detail":"the body has 5000000 bytes"}'), State.REJECTED),
        (Answer(400, b'{"title":"x"}'), State.REJECTED),
        (Answer(403, b'{"title":"A valid x-api-key header is needed"}'), State.UNKNOWN),
        (Answer(429, b"{}"), State.UNKNOWN),
        (Answer(504, b"<html>"), State.UNKNOWN),
        (Answer(202, b"[]"), State.UNKNOWN),
    ],
)
def test_only_an_answer_about_the_record_rejects_it(answer: Answer, state: State) -> None:
    assert result(answer)[0] is state


class Crash(BaseException):
    """The sender has ended."""


FATES = ("answered", "lost", "not received", "ended before", "ended after")
VARIANTS = ("good a", "good b", "bad", "ahead")
AHEAD = AT + timedelta(minutes=3)  # until then the API rejects a record that is dated ahead
SEND = st.deferred(
    lambda: st.tuples(
        st.sampled_from(VARIANTS),
        st.lists(st.sampled_from(FATES), min_size=1, max_size=3),
        st.lists(st.one_of(SEND, st.integers(0, 40)), max_size=2),  # while it is being answered
    )
)


class Memory:
    """A `Replays` that does what the conditions say."""

    def __init__(self) -> None:
        self.held: Replay | None = None

    def find(self, use_case: str, letter: str) -> Replay | None:
        return self.held

    def advance(self, replay: Replay, before: Replay | None) -> bool:
        same = self.held is None if before is None else False
        if self.held is not None and before is not None:
            same = (self.held.state, self.held.at) == (before.state, before.at)
        if same:
            self.held = replay
        return same

    def accept(self, replay: Replay) -> bool:
        same = self.held is not None and self.held.record == replay.record
        if same:
            self.held = replay
        return same


class World:
    """Senders that interrupt each other, and an API that stores the good records."""

    sending: datetime | None = None

    def __init__(self) -> None:
        self.store, self.now = Memory(), AT
        self.stored: set[str] = set()

    def step(self, action: Any) -> None:
        if isinstance(action, int):
            self.now += timedelta(seconds=action)
            return
        variant, fates, meanwhile = action
        fates, meanwhile, started = [*fates], [*meanwhile], self.now

        def post(record: bytes, seconds: float) -> Answer:
            if self.sending is not None:
                assert self.now - self.sending >= LEASE, "two send at once"
            before, self.sending = self.sending, self.now
            try:
                return answered(record)
            finally:
                self.sending = before

        def answered(record: bytes) -> Answer:
            while meanwhile:
                self.step(meanwhile.pop(0))
            fate = fates.pop(0) if fates else "answered"
            if self.now - started > timedelta(seconds=60):
                raise Crash  # a sender does not live longer than its time
            text = json.loads(record)["text"]
            if fate == "ended before":
                raise Crash
            good = text.startswith("good") or (text == "ahead" and self.now >= AHEAD)
            if fate != "not received" and good:
                self.stored.add(text)
            if fate == "ended after":
                raise Crash
            if fate != "answered":
                raise Unanswered(fate)
            return ACCEPTED if good else refusal("invalid")

        record = json.dumps({"event_id": "e", "text": variant}).encode()
        ticks = iter(range(1_000))
        door = Door(post, lambda _: None, lambda: float(10 * next(ticks)))
        try:
            sent = Resender(self.store, door, lambda: self.now).send("u", "l", record)
        except Crash:
            return
        if sent.replay.state is State.ACCEPTED:
            assert json.loads(sent.replay.record)["text"] in self.stored


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(SEND, st.integers(0, 300)), min_size=2, max_size=8))
def test_whatever_happens_no_two_records_of_a_letter_are_stored(actions: list[Any]) -> None:
    """Requests at once, answers that are lost, senders that end: one event, or none."""
    world = World()
    for action in actions:
        world.step(action)
        assert len(world.stored) <= 1
    for _ in range(2):  # the first may find an attempt at a bad one
        world.step(300)
        world.step(("good b", ["answered"], []))
    assert len(world.stored) == 1
    held = world.store.held
    assert held is not None and held.state is State.ACCEPTED
    assert json.loads(held.record)["text"] in world.stored


def test_a_result_that_comes_after_the_lease_changes_no_newer_one() -> None:
    """Its sender was taken for one that has ended."""
    store, row = Memory(), letter()

    def meanwhile(*script: Callable[[], Answer]) -> None:
        run(store, Api(*script), row, at=AT + LEASE)

    def rejected_late() -> Answer:
        meanwhile()
        return refusal("in_future")

    late = run(store, Api(rejected_late), row)
    assert (late.sent, late.replay.state) == (False, State.ACCEPTED)
    store.held = None

    def accepted_late() -> Answer:
        meanwhile(*[unanswered] * 50)
        assert store.held is not None and store.held.state is State.UNKNOWN
        return ACCEPTED

    assert run(store, Api(accepted_late), row).sent
    assert store.held is not None and store.held.state is State.ACCEPTED


def test_of_two_who_replace_the_same_state_one_does(store: Replays) -> None:
    first = Replay("u", "l", b"{}", State.SENDING, AT)
    assert store.advance(first, None)
    assert not store.advance(Replay("u", "l", b"1", State.SENDING, AT), None)
    rejected = Replay("u", "l", b"{}", State.REJECTED, AT, "no")
    assert store.advance(rejected, first)
    assert not store.advance(Replay("u", "l", b"{}", State.UNKNOWN, AT), first)
    assert store.find("u", "l") == rejected
    assert store.advance(Replay("u", "l", b"2", State.SENDING, AT), rejected)
    assert not store.accept(Replay("u", "l", b"{}", State.ACCEPTED, AT))
    assert store.accept(Replay("u", "l", b"2", State.ACCEPTED, AT))
    assert store.find("u", "x" * 2_000) is None


# --- what is sent


def test_a_record_without_id_and_time_has_the_same_ones_each_time() -> None:
    row = letter({"type": "click", "tx_id": "t"}, event_id=None, occurred_at=None)
    first, second = json.loads(sendable(row)), json.loads(sendable(row))
    assert first == second
    assert first["event_id"].startswith("replay-") and len(first["event_id"]) <= 128
    assert first["occurred_at"] == "2026-03-01T09:30:00.000Z"


DEEP = b'{"a":' + b"[" * 300 + b"]" * 300 + b"}"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (letter(stage="persist"), "of stage persist, which is no event of a sender"),
        (letter(b"\xff{"), "is not a JSON object; correct it first"),
        (letter(payload=None), "is not a JSON object; correct it first"),
        (letter(DEEP), "cannot be written"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_reason(row: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotSendable, match=reason):
        sendable(row)
