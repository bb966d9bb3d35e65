"""MQTT messages become events as those over HTTP do, or dead letters with their bytes."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

import usecases
from glue.instants import to_millis
from glue.mqtt import Mqtt
from lambdas.dead_letters import Source
from lambdas.ingest.app import Ingestion
from lambdas.ingest.messages import Messages, Put, all_of
from lambdas.ingest.mqtt import Handler, UnfinishedError
from lambdas.ports.stream import Entry

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 11, tzinfo=UTC)
SPEED, BOTH = "measurements/m1/speed", "measurements/m1"
NAMES = {f"machines/{s}": f"sdp-machines-{s}" for s in ("mqtt", "measurements", "dead-letters")}
CATALOG = usecases.load(("machines",))


@pytest.fixture(scope="module")
def messages() -> Messages:
    """Of the machines."""
    return all_of(CATALOG, CATALOG.configured({}))["machines"]


def record(topic: str, payload: bytes, at: datetime = NOW) -> bytes:
    """A message as the rule stores it."""
    encoded = base64.b64encode(payload).decode()
    return json.dumps({"payload": encoded, "topic": topic, "received_at": to_millis(at)}).encode()


def puts(messages: Messages, topic: str, payload: bytes, number: str = "1") -> list[Put]:
    """What becomes of a message."""
    source = Source("sdp-machines-mqtt", "shard-0", number)
    return list(messages.puts(record(topic, payload), source, LATER))


def content(put: Put) -> dict[str, Any]:
    """What is put."""
    read: dict[str, Any] = json.loads(put.entry.data)
    return read


def test_a_value_on_its_quantity_s_topic_is_a_measurement(messages: Messages) -> None:
    (put,) = puts(messages, SPEED, b"12.5")
    assert (put.stream, put.entry.key) == ("machines/measurements", "m1")
    event = content(put)
    assert len(event.pop("event_id")) == 36
    assert event.pop("receipt") > 0
    assert event == {
        "type": "measurement",
        "thing": "m1",
        "quantity": "speed",
        "result": 12.5,
        "occurred_at": "2026-11-21T10:00:00.000Z",
        "received_at": "2026-11-21T10:00:00.000Z",
    }


def test_a_message_with_several_quantities_is_as_many_measurements(messages: Messages) -> None:
    payload = {
        "speed": 600,
        "torque": {"result": 8.0, "occurred_at": "2026-11-21T09:59:58Z"},
        "occurred_at": "2026-11-21T09:59:59Z",
        "event_id": "e-1",
    }
    speed, torque = (content(p) for p in puts(messages, BOTH, json.dumps(payload).encode()))
    assert (speed["quantity"], speed["result"], speed["event_id"]) == ("speed", 600.0, "e-1/speed")
    assert speed["occurred_at"] == "2026-11-21T09:59:59.000Z"
    assert (torque["event_id"], torque["occurred_at"]) == ("e-1/torque", "2026-11-21T09:59:58.000Z")


def test_of_several_quantities_the_invalid_one_alone_becomes_a_dead_letter(
    messages: Messages,
) -> None:
    payload = b'{"speed":600,"torque":"x"}'
    good, bad = puts(messages, BOTH, payload)
    assert (good.accepted, bad.accepted) == (True, False)
    letter = content(bad)
    assert base64.b64decode(letter["payload"]) == payload
    assert letter["detail"] == 'measurements/m1, torque: "x" is not a number; send a number'
    assert (letter["stage"], letter["reason"], letter["field"]) == (
        "ingest",
        "malformed",
        "/result",
    )


@pytest.mark.parametrize(
    ("topic", "payload", "detail"),
    [
        (SPEED, b"", "the payload is empty"),
        (SPEED, b"\xff\xfe\x00", "the payload is not JSON"),
        (SPEED, b"fast", "the payload is not JSON"),
        (SPEED, b"[" * 5_000, "the payload is"),
        (SPEED, b'"fast"', "is not a number"),
        (SPEED, b"[1, 2]", "is not a number"),
        (SPEED, b"1e13", "is too large"),
        (SPEED, b'{"result":1,"value":1}', "'value' is not a field"),
        (SPEED, b'{"result":1,"result":2}', "'result' is repeated"),
        (SPEED, b'{"result":1,"thing":"m2"}', "thing is 'm2' in the payload and 'm1' in the topic"),
        (SPEED, b'{"result":1,"occurred_at":"2026-11-21T10:06:00Z"}', "5 minutes ahead"),
        (BOTH, b"12.5", "is not an object"),
        (BOTH, b"{}", "has no quantity"),
        ("measurements/m1/speed/x", b"1", "topic measurements/m1/speed/x is unknown"),
        ("measurements//speed", b"1", "topic measurements//speed is unknown"),
        ("measurements/m1/" + "q" * 129, b"1", "send 128 or fewer characters"),
    ],
)
def test_what_the_door_would_refuse_becomes_a_dead_letter_with_topic_and_bytes(
    messages: Messages, topic: str, payload: bytes, detail: str
) -> None:
    (put,) = puts(messages, topic, payload)
    assert put.stream == "machines/dead-letters"
    letter = content(put)
    assert letter["detail"].startswith(topic) and detail in letter["detail"]
    assert base64.b64decode(letter["payload"]) == payload
    assert letter["source"] == {
        "stream": "sdp-machines-mqtt",
        "shard": "shard-0",
        "sequence_number": "1",
    }


def test_a_repeated_message_with_a_time_has_the_event_id_of_the_first(messages: Messages) -> None:
    """However often and whenever it comes; one over HTTP too."""
    timed = b'{"result":1,"occurred_at":"2026-11-21T09:59:59Z"}'
    first, again = (content(puts(messages, SPEED, timed, n)[0]) for n in "12")
    assert first["event_id"] == again["event_id"]
    other = content(puts(messages, "measurements/m2/speed", timed)[0])
    assert other["event_id"] != first["event_id"]
    assert http(dict(json.loads(timed), thing="m1", quantity="speed")) == first["event_id"]


def test_a_message_that_is_read_again_has_the_event_id_of_the_first_time(
    messages: Messages,
) -> None:
    """Also without a time: the function may fail after it has stored a part of its batch."""
    first, again = (content(puts(messages, SPEED, b"1", "7")[0]) for _ in range(2))
    assert first == again


def http(event: dict[str, Any]) -> str:
    """The event_id that the API returns for it."""
    ingestion = Ingestion(
        CATALOG, Memory(), lambda: NOW, lambda accepted, rejected: None, CATALOG.configured({})
    )
    answer = ingestion.receive(
        json.dumps(event).encode(), "application/json", ingestion.events["measurement"]
    )
    event_id: str = json.loads(answer.body)["results"][0]["event_id"]
    return event_id


class Memory:
    """A stream that fails as often as it is made to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.put_: list[tuple[str, Entry]] = []

    def put(self, stream: str, entries: Sequence[Entry]) -> list[str | None]:
        """Store all but the first, while it fails."""
        failing = self.failures > 0
        self.failures -= 1
        self.put_ += [(stream, entry) for entry in entries[1 if failing else 0 :]]
        return ["Throttled" if failing and n == 0 else None for n in range(len(entries))]


def batch(*payloads: bytes) -> dict[str, Any]:
    """What Lambda passes of the stream of messages."""
    return {
        "Records": [
            {
                "eventSourceARN": "arn:aws:kinesis:r:0:stream/sdp-machines-mqtt",
                "eventID": f"shard-0:{number}",
                "kinesis": {
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(record(SPEED, payload)).decode(),
                },
            }
            for number, payload in enumerate(payloads)
        ]
    }


def handler(messages: Messages, stream: Memory, counted: list[tuple[int, int]]) -> Handler:
    """The function over a stream in memory."""
    return Handler(
        {"machines": messages}, stream, NAMES, lambda: LATER, lambda a, r: counted.append((a, r))
    )


def test_what_a_stream_refuses_is_put_again_while_there_is_time(messages: Messages) -> None:
    stream, counted = Memory(failures=2), list[tuple[int, int]]()
    handler(messages, stream, counted)(batch(b"1", b"x", b"3"), lambda attempts: True)
    names = [name for name, _ in stream.put_]
    assert sorted(names) == ["sdp-machines-dead-letters"] + ["sdp-machines-measurements"] * 2
    assert counted == [(2, 1)]


def test_a_batch_that_is_not_stored_in_time_fails_so_that_it_is_delivered_again(
    messages: Messages,
) -> None:
    with pytest.raises(UnfinishedError, match="1 of 2 records are not stored"):
        handler(messages, Memory(failures=9), [])(batch(b"1", b"2"), lambda attempts: False)


def test_a_message_that_its_rule_could_not_store_becomes_a_dead_letter(messages: Messages) -> None:
    stream = Memory()
    failure = {
        "ruleName": "sdp_machines_mqtt",
        "topic": SPEED,
        "cloudwatchTraceId": "trace",
        "clientId": "m1",
        "base64OriginalPayload": base64.b64encode(b"12.5").decode(),
        "failures": [
            {"failedAction": "KinesisAction", "failedResource": "s", "errorMessage": "throttled"}
        ],
    }
    handler(messages, stream, [])(failure, lambda attempts: True)
    ((name, entry),) = stream.put_
    letter = json.loads(entry.data)
    assert name == "sdp-machines-dead-letters"
    assert letter["detail"] == f"{SPEED}: not stored: throttled"
    assert base64.b64decode(letter["payload"]) == b"12.5"


def test_an_event_is_sent_as_the_message_that_becomes_it(messages: Messages) -> None:
    mqtt: Mqtt = messages.mqtt
    event = {"thing": "m1", "quantity": "speed", "result": 1, "type": "measurement"}
    topic, payload = mqtt.message(event)
    assert (topic, payload) == (SPEED, {"result": 1, "type": "measurement"})
    assert list(mqtt.events(topic, payload)) == [("", event)]
