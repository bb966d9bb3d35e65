"""Records of dead letters are sent again at most once, as what they were."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from glue.targets.dynamodb import KeyAttribute
from sdpctl.errors import CommandError
from sdpctl.replaying import Replays, State, edits, replay, sendable
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
def store(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb")
        create_table(client, "t-ledger", KeyAttribute("pk", "S"), KeyAttribute("sk", "S"))
        yield Replays("t-ledger", client)


class Api:
    """Answers by script, then accepts."""

    def __init__(self, *script: Callable[[], tuple[State, str]]) -> None:
        self.script = [*script]
        self.sent: list[dict[str, Any]] = []

    def __call__(self, record: bytes) -> tuple[State, str]:
        self.sent.append(json.loads(record))
        return self.script.pop(0)() if self.script else (State.ACCEPTED, "")


def run(store: Replays, api: Api, row: dict[str, Any], record: bytes | None = None) -> Any:
    given = [("adtech", row, record or sendable(row))]
    ((_, _, result),) = replay(given, store, api, lambda: AT)
    return result


def test_a_record_is_sent_as_its_sender_sent_it(store: Replays) -> None:
    api = Api()
    assert run(store, api, letter()).state is State.ACCEPTED
    assert api.sent == [{k: v for k, v in RECORD.items() if k not in ("received_at", "receipt")}]


def test_a_letter_is_sent_once(store: Replays) -> None:
    api = Api()
    run(store, api, letter())
    assert run(store, api, letter()) is None
    assert len(api.sent) == 1


def test_after_a_command_that_ended_the_same_record_is_sent_again(store: Replays) -> None:
    """Also if it would be edited now: the former one may be stored."""

    def dies() -> tuple[State, str]:
        raise KeyboardInterrupt

    api = Api(dies)
    with pytest.raises(KeyboardInterrupt):
        run(store, api, letter())
    edited = json.dumps({**RECORD, "event_id": "other"}).encode()
    assert run(store, api, letter(), edited).state is State.ACCEPTED
    assert api.sent[0] == api.sent[1]


def test_a_rejected_record_may_be_corrected_and_sent_again(store: Replays) -> None:
    api = Api(lambda: (State.REJECTED, "/tx_id is missing"))
    assert run(store, api, letter()).error == "/tx_id is missing"
    assert run(store, api, letter()).state is State.ACCEPTED
    found = store.find("adtech", "s0:1:late")
    assert found is not None and (found.state, found.event_id) == (State.ACCEPTED, "e1")


def test_a_record_without_id_and_time_has_the_same_ones_each_time() -> None:
    row = letter({"type": "click", "tx_id": "t"}, event_id=None, occurred_at=None)
    first, second = json.loads(sendable(row)), json.loads(sendable(row))
    assert first == second
    assert first["event_id"].startswith("replay-") and len(first["event_id"]) <= 128
    assert first["occurred_at"] == "2026-03-01T09:30:00.000Z"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (letter(stage="persist"), "of stage persist, which is no event of a sender"),
        (letter(b"\xff{"), "is not a JSON object; replay it with --edit"),
        (letter(payload=None), "is not a JSON object; replay it with --edit"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_reason(row: dict[str, Any], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        sendable(row)


def test_edits_name_the_line_that_is_wrong() -> None:
    assert edits([b'{"id":"a","record":{"x":1}}', b""], "f") == {"a": {"x": 1}}
    with pytest.raises(CommandError, match="f line 2: must be"):
        edits([b'{"id":"a","record":{}}', b'{"id":"b"}'], "f")
