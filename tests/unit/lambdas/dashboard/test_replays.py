"""Dead letters sent again over HTTP: each at most once, page by page, with what became of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from glue.limits import RECORD_BYTES
from lambdas.dashboard.replays import SECONDS, Replaying, ReplayRequest
from lambdas.ports.replays import Replay, State
from lambdas.ports.report_store import StoreUnavailable
from lambdas.replaying import Answer, Door, Unanswered
from tests.unit.lambdas.dashboard.lake import NOW, Lake, client
from tests.unit.lambdas.test_replaying import ACCEPTED, refusal

PATH = "/dead-letters/factory/replay"
REFUSED = refusal("out_of_range", "/watts", "-1 is too small; send 0 or more")


class Table:
    """Replays by letter."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Replay] = {}
        self.down = False

    def find(self, use_case: str, letter: str) -> Replay | None:
        if self.down:
            raise StoreUnavailable("down")
        return self.items.get((use_case, letter))

    def advance(self, replay: Replay, before: Replay | None) -> bool:
        if self.find(replay.use_case, replay.letter) != before:
            return False
        self.items[replay.use_case, replay.letter] = replay
        return True

    def accept(self, replay: Replay) -> bool:
        self.items[replay.use_case, replay.letter] = replay
        return True


class Api:
    """Accepts what has watts above zero; `fails` answers before."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.fails: list[Callable[[], Answer]] = []
        self.seconds = 0.0

    def post(self, record: bytes, seconds: float) -> Answer:
        found = json.loads(record)
        self.sent.append(found)
        self.seconds += found.get("takes", 0)
        if self.fails:
            return self.fails.pop(0)()
        return ACCEPTED if found.get("watts", 0) > 0 else REFUSED

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


class Platform:
    """The page's API over a lake with letters, a table and the public API."""

    def __init__(self) -> None:
        self.lake, self.table, self.public = Lake(), Table(), Api()
        door = Door(self.public.post, self.public.wait, lambda: self.public.seconds)
        self.client: TestClient = client(self.lake, replays=self.table, door=door)
        self.now, monotonic = NOW, lambda: self.public.seconds
        self.service = Replaying(self.lake, self.table, door, lambda: self.now, monotonic)

    def letter(self, id_: str, record: Any = None, **fields: Any) -> None:
        record = {"machine": "m", "watts": 5} if record is None else record
        data = record if isinstance(record, bytes) else json.dumps(record).encode()
        payload = base64.b64encode(data).decode()
        self.lake.letter(id_, payload=payload, **{"reason": "late", **fields})

    def replay(self, **body: Any) -> Any:
        answer = self.client.post(PATH, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def results(self, **body: Any) -> dict[str, str]:
        found = self.replay(**body)
        assert found["next"] is None
        return {letter["id"]: letter["result"] for letter in found["letters"]}


@pytest.fixture
def platform() -> Platform:
    return Platform()


# --- what is sent


def test_a_dry_run_returns_what_would_be_sent_and_sends_nothing(platform: Platform) -> None:
    platform.letter("a", event_id="e1", occurred_at=NOW - timedelta(hours=1))
    (letter,) = platform.replay(dry_run=True)["letters"]
    assert letter == {
        "id": "a",
        "stage": "flink",
        "reason": "late",
        "failed_at": "2026-03-02T11:59:00.000Z",
        "result": "ready",
        "detail": None,
        "event_id": "e1",
        "record": {
            "event_id": "e1",
            "occurred_at": "2026-03-02T11:00:00.000Z",
            "machine": "m",
            "watts": 5,
        },
    }
    assert platform.public.sent == [] and platform.table.items == {}


def test_letters_are_sent_the_oldest_first_and_each_once(platform: Platform) -> None:
    platform.letter("new", {"watts": 1})
    platform.letter("old", {"watts": 2}, ago=timedelta(hours=3), times=2)
    assert platform.results() == {"old": "accepted", "new": "accepted"}
    assert [record["watts"] for record in platform.public.sent] == [2, 1]
    assert platform.results() == {"old": "accepted_before", "new": "accepted_before"}
    assert len(platform.public.sent) == 2


def test_letters_are_chosen_by_reason_time_and_id_and_only_events_are_sent(
    platform: Platform,
) -> None:
    platform.letter("late")
    platform.letter("bad", reason="malformed")
    platform.letter("older", ago=timedelta(hours=2))
    platform.letter("result", stage="persist", reason="refused")
    start = "2026-03-02T10:30:00Z"
    assert platform.results(dry_run=True, reason="malformed") == {"bad": "ready"}
    assert platform.results(dry_run=True, **{"from": start}).keys() == {"late", "bad"}
    assert platform.results(dry_run=True, to=start).keys() == {"older"}
    chosen = [{"id": "late"}, {"id": "result"}, {"id": "it's not there"}]
    assert platform.results(letters=chosen) == {
        "late": "accepted",
        "result": "unsendable",
        "it's not there": "not_found",
    }


def test_a_corrected_record_is_sent_in_the_place_of_the_letters(platform: Platform) -> None:
    platform.letter("a", b"\xff not JSON", event_id=None)
    assert platform.results() == {"a": "unsendable"}
    (letter,) = platform.replay(letters=[{"id": "a", "record": {"watts": -1}}])["letters"]
    assert (letter["result"], letter["detail"]) == (
        "rejected",
        "/watts -1 is too small; send 0 or more",
    )
    again = [{"id": "a", "record": {"watts": 3}}]
    (dry,) = platform.replay(letters=again, dry_run=True)["letters"]
    assert dry["detail"] == "it was rejected before: /watts -1 is too small; send 0 or more"
    assert platform.results(letters=again) == {"a": "accepted"}
    assert platform.public.sent[-1]["event_id"].startswith("replay-")
    assert platform.results(letters=[{"id": "a", "record": {"watts": 9}}]) == {
        "a": "accepted_before"
    }


def test_a_record_that_the_api_does_not_take_is_not_read(platform: Platform) -> None:
    platform.letter("large", {"text": "x" * (RECORD_BYTES + 2_000)})
    platform.letter("packed", encoding="gzip")
    for letter in platform.replay()["letters"]:
        assert letter["result"] == "unsendable"
        assert "larger than the 262144 bytes that the API accepts" in letter["detail"]


# --- once


def test_without_an_answer_the_same_record_is_sent_by_the_next_request(
    platform: Platform,
) -> None:
    def lost() -> Answer:
        raise Unanswered("timed out")

    platform.letter("a", {"watts": 1})
    platform.public.fails = [lost] * 50
    assert platform.results() == {"a": "unknown"}
    platform.public.fails = []
    edited = [{"id": "a", "record": {"watts": 2}}]
    (dry,) = platform.replay(letters=edited, dry_run=True)["letters"]
    assert dry["detail"] == "its former replay has no result: that record is sent again"
    assert dry["record"]["watts"] == 1
    assert platform.results(letters=edited) == {"a": "accepted"}
    assert {record["watts"] for record in platform.public.sent} == {1}


def test_two_requests_at_once_send_a_letter_once(platform: Platform) -> None:
    platform.letter("a")
    during = list[Any]()

    def meanwhile() -> Answer:
        during.extend(platform.replay()["letters"])
        return ACCEPTED

    platform.public.fails = [meanwhile]
    assert platform.results() == {"a": "accepted"}
    assert [letter["result"] for letter in during] == ["sending"]
    assert len(platform.public.sent) == 1


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0, 4, 9])), min_size=1, max_size=12),
    st.integers(1, 5),
)
def test_pages_send_every_letter_once_also_where_they_fail_at_one_instant(
    letters: list[tuple[int, int]], limit: int
) -> None:
    """What takes long ends a page early; what the replay makes is in none."""
    platform = Platform()
    for n, (minutes, takes) in enumerate(letters):
        ago = timedelta(minutes=minutes + 1)
        platform.letter(f"l{n}", {"watts": n + 1, "takes": takes}, ago=ago)
    seen, token = list[str](), None
    while True:
        started = platform.public.seconds
        request = ReplayRequest(limit=limit, next=token)
        found = platform.service.replay("factory", request)
        assert 0 < len(found["letters"]) <= limit
        assert platform.public.seconds - started < SECONDS + 5
        seen += [letter["id"] for letter in found["letters"]]
        platform.now += timedelta(seconds=60)
        platform.letter(f"new{len(seen)}", ago=timedelta(seconds=-30))
        if (token := found["next"]) is None:
            break
    assert sorted(seen) == sorted(f"l{n}" for n in range(len(letters)))
    assert len(platform.public.sent) == len(letters)


def test_a_slow_lake_leaves_the_letters_to_the_next_request(platform: Platform) -> None:
    platform.letter("a")
    platform.lake.takes = lambda: platform.public.wait(20.0)
    first = platform.service.replay("factory", ReplayRequest())
    assert first["letters"] == [] and first["next"] is not None
    platform.lake.takes = lambda: None
    rest = platform.service.replay("factory", ReplayRequest(next=first["next"]))
    assert [letter["result"] for letter in rest["letters"]] == ["accepted"]


def test_an_answer_has_no_more_than_fits(platform: Platform) -> None:
    for n in range(12):
        platform.letter(f"l{n:02}", {"text": "x" * 250_000})
    first = platform.replay(dry_run=True)
    assert len(first["letters"]) == 8 and first["next"] is not None
    rest = platform.replay(dry_run=True, next=first["next"])
    assert [letter["id"] for letter in rest["letters"]] == ["l08", "l09", "l10", "l11"]


# --- what became of it


def test_the_state_of_a_letter_has_the_record_and_the_answer(platform: Platform) -> None:
    platform.letter("a", {"watts": -1}, event_id="e1")
    nothing = platform.client.get(PATH, params={"id": "a"}).json()
    assert (nothing["state"], nothing["sendable"]) == (None, True)
    platform.replay()
    found = platform.client.get(PATH, params={"id": "a"}).json()
    assert found["record"]["watts"] == -1
    assert (found["state"], found["at"]) == ("rejected", "2026-03-02T12:00:00.000Z")
    assert found["detail"] == "/watts -1 is too small; send 0 or more"
    assert found["event_id"] == "e1" and found["sendable"]


def test_the_outcome_says_where_the_record_is(platform: Platform) -> None:
    platform.lake.database.execute(
        "CREATE TABLE parquet_readings (type VARCHAR, event_id VARCHAR, machine VARCHAR,"
        " occurred_at TIMESTAMP, received_at TIMESTAMP, date VARCHAR)"
    )
    platform.lake.database.execute("ALTER TABLE parquet_levels ADD received_at TIMESTAMP")
    platform.letter("a", event_id="e1")
    nothing = {"id": "a", "events": []}
    assert platform.client.get(f"{PATH}/outcome", params={"id": "a"}).json() == nothing
    platform.replay()
    assert platform.client.get(f"{PATH}/outcome", params={"id": "a"}).json() == nothing
    at = (NOW - timedelta(minutes=1)).replace(tzinfo=None)
    platform.lake.insert(
        "parquet_readings",
        timedelta(minutes=1),
        type="reading",
        event_id="e1",
        machine="m",
        received_at=at,
    )
    (event,) = platform.client.get(f"{PATH}/outcome", params={"id": "a"}).json()["events"]
    assert (event["event_id"], event["key"], event["state"]) == ("e1", "m", "not counted")
    assert event["detail"].startswith("late: ")


# --- errors


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ({"letters": []}, "/letters", "at least 1 item"),
        ({"letters": [{"id": "a"}, {"id": "a"}]}, "/letters", "'a' is repeated"),
        ({"letters": [{"id": "a", "record": 5}]}, "/letters/0/record", "dictionary"),
        ({"letters": [{"id": "a"}], "reason": "late"}, "", "send `letters` or `reason`, not both"),
        ({"reason": "because"}, "/reason", "'late'"),
        ({"from": "yesterday"}, "/from", "not RFC 3339"),
        ({"limit": 101}, "/limit", "100"),
        ({"dry_run": "yes"}, "/dry_run", "boolean"),
        ({"dryRun": True}, "/dryRun", "not permitted"),
        ([], "", "dictionary"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(
    platform: Platform, body: Any, field: str, detail: str
) -> None:
    answer = platform.client.post(PATH, json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert detail in answer.json()["detail"]


def test_requests_as_a_whole_are_refused_with_what_to_send(platform: Platform) -> None:
    def post(content: bytes, kind: str = "application/json", **headers: str) -> Any:
        more = {"content-type": kind, **headers}
        return platform.client.post(PATH, content=content, headers=more)

    assert post(b"{").status_code == 400
    assert post(b'{"limit": 1, "limit": 2}').json()["field"] == "/limit"
    assert post(b"{}", "text/plain").status_code == 415
    assert post(b"{}", **{"content-encoding": "gzip"}).status_code == 415
    assert post(b" " * 4_600_000).status_code == 413
    assert platform.client.post(f"{PATH}?id=a", json={}).status_code == 400
    assert platform.client.post("/dead-letters/none/replay", json={}).status_code == 404
    assert platform.client.get(PATH).json()["parameter"] == "id"


def test_a_token_goes_with_its_request_only(platform: Platform) -> None:
    for n in range(3):
        platform.letter(f"l{n}")
    token = platform.replay(limit=1)["next"]
    for other in ({"reason": "late"}, {"to": "2026-03-02T12:00:00Z"}, {"letters": [{"id": "l1"}]}):
        answer = platform.client.post(PATH, json={"next": token, **other})
        assert answer.status_code == 400
        assert "another query" in answer.json()["detail"]


def test_what_cannot_be_read_now_is_503(platform: Platform) -> None:
    platform.letter("a")
    platform.table.down = True
    for answer in (
        platform.client.post(PATH, json={}),
        platform.client.get(PATH, params={"id": "a"}),
    ):
        assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    platform.table.down, platform.lake.down = False, True
    assert platform.client.post(PATH, json={}).status_code == 503
    assert platform.public.sent == []


def test_a_state_that_was_stored_by_the_command_is_read(platform: Platform) -> None:
    record = b'{"event_id":"e1","watts":1}'
    platform.table.advance(Replay("factory", "a", record, State.SENDING, NOW), None)
    platform.letter("a")
    (letter,) = platform.replay()["letters"]
    assert letter["result"] == "sending"
    assert letter["detail"].startswith("repeat the request after 2026-03-02T12:02:00.000Z")
