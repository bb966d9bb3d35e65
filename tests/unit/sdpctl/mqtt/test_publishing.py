"""`./sdp send --mqtt`: a connection for each thing, and an exact count."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest

import usecases
from glue.mqtt import Mqtt
from sdpctl import publishing
from sdpctl.errors import CommandError
from sdpctl.publishing import CONNECTIONS, Broker, Publisher, publish_all
from sdpctl.sending import Line, Tally
from tests.unit.sdpctl.mqtt.brokers import KEY, FakeDoor, running

(MACHINES,) = usecases.load(("machines",)).use_cases
assert MACHINES.mqtt
TOPICS: dict[str, Mqtt] = {"measurement": MACHINES.mqtt}


def line(number: int, thing: str = "m1", **more: object) -> bytes:
    """An event as NDJSON."""
    event = {"type": "measurement", "thing": thing, "quantity": "speed", "result": number}
    return json.dumps({**event, **more}).encode() + b"\n"


def broker(port: int, key: str = KEY) -> Broker:
    """The address of a broker of the tests."""
    return Broker(f"mqtt://127.0.0.1:{port}", key, TOPICS)


def test_each_thing_publishes_its_own_events_in_their_order() -> None:
    door = FakeDoor()
    with running(door) as port:
        tally = publish_all(broker(port), [line(n, f"m{n % 3}") for n in range(30)])
    assert (tally.accepted, tally.rejected, tally.unanswered) == (30, 0, 0)
    for thing in ("m0", "m1", "m2"):
        own = [m for m in door.stored if m.client_id == thing]
        assert {m.topic for m in own} == {f"measurements/{thing}/speed"}
        assert [json.loads(m.payload)["result"] for m in own] == list(range(int(thing[1]), 30, 3))


def test_what_a_lost_connection_left_without_an_acknowledgement_is_published_again() -> None:
    door = FakeDoor(failures=3)
    with running(door) as port:
        tally = publish_all(broker(port), [line(n) for n in range(50)])
    assert (tally.accepted, tally.unanswered) == (50, 0)
    assert {json.loads(m.payload)["result"] for m in door.stored} == set(range(50))


def test_connections_that_are_lost_five_times_lose_no_message() -> None:
    door, tally = FakeDoor(), Tally()
    with running(door) as port:
        publisher = Publisher(broker(port), tally)

        def lines() -> Iterator[Line]:
            for number in range(360):
                yield Line(number, line(number, f"m{number % 3}"))
                if number in range(50, 350, 60):
                    assert _cut(publisher)

        publisher.send(lines(), None)
    assert (tally.accepted, tally.rejected, tally.unanswered) == (360, 0, 0)
    assert {json.loads(m.payload)["result"] for m in door.stored} == set(range(360))


def _cut(publisher: Publisher) -> int:
    """Closes the connections that there are, with messages on their way; how many."""
    connections = [thing.client.socket() for thing in publisher._things.values()]
    for connection in filter(None, connections):
        with suppress(OSError):  # it is closed already
            connection.shutdown(socket.SHUT_RDWR)
    return sum(connection is not None for connection in connections)


def test_what_an_outage_held_up_is_not_published_faster_than_the_broker_takes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first message is not stored, so the connection is closed, and made again a second later.

    A connection may publish a hundred messages a second.
    """
    door = FakeDoor(failures=1)
    with running(door) as port:
        tally = publish_all(broker(port), [line(n) for n in range(200)])
    assert (tally.accepted, tally.unanswered) == (200, 0)
    closed = [r.getMessage() for r in caplog.records if "the connection is closed" in r.message]
    assert closed == ["client m1: not stored: the connection is closed"]


class Counted(threading.Condition):
    """Counts the waits that were in vain."""

    in_vain = 0

    def wait(self, timeout: float | None = None) -> bool:
        """As it is, and counted."""
        came = super().wait(timeout)
        type(self).in_vain += not came
        return came


def test_a_broker_that_is_gone_is_waited_for_once_and_not_for_each_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "WAIT_SECONDS", 4.0)
    used = SimpleNamespace(Condition=Counted, Event=threading.Event)
    monkeypatch.setattr(publishing, "threading", used)
    door, ports = FakeDoor(), list[int]()

    def lines() -> Iterator[bytes]:
        with running(door) as port:
            ports.append(port)
            yield line(0)
            door.await_(1)
        yield from (line(n) for n in range(1, 100))

    source = lines()
    first = next(source)
    tally = publish_all(broker(ports[0]), itertools.chain([first], source))
    assert tally.accepted + tally.unanswered == 100
    assert tally.unanswered >= 99  # the acknowledgement of the first may be lost
    assert tally.cause == "no acknowledgement within 4 s"
    assert 1 <= Counted.in_vain <= 2


def test_an_event_without_an_id_is_published_without_one() -> None:
    """The platform names it by what identifies it, so that a second publishing counts once."""
    door = FakeDoor()
    with running(door) as port:
        publish_all(broker(port), [line(1)])
    assert json.loads(door.stored[0].payload) == {"type": "measurement", "result": 1}


def test_more_things_than_connections_are_published_in_turns() -> None:
    door, things = FakeDoor(), CONNECTIONS + 2
    with running(door) as port:
        tally = publish_all(broker(port), [line(n, f"m{n}") for n in range(things)])
    assert tally.accepted == len({m.client_id for m in door.stored}) == things


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (line(1, type="bid"), "type 'bid' has no topic; types: measurement"),
        (line(1, thing="a/b"), "thing 'a/b' cannot be a level of a topic"),
        (line(1, more="x" * 200_000), "a message has at most 131072"),
        (b"{oops\n", "not JSON"),
    ],
)
def test_what_cannot_be_a_message_is_rejected_with_its_line(content: bytes, message: str) -> None:
    door = FakeDoor()
    with running(door) as port:
        tally = publish_all(broker(port), [content, line(2)])
    assert (tally.accepted, tally.rejected) == (1, 1)
    assert tally.shown[0].line == 1 and message in tally.shown[0].message


def test_a_wrong_key_and_a_broker_that_is_not_there_are_named() -> None:
    with running(FakeDoor()) as port, pytest.raises(CommandError, match="refuses m1"):
        publish_all(broker(port, "wrong"), [line(1)])
    with pytest.raises(CommandError, match=f"mqtt://127.0.0.1:{port}: "):
        publish_all(broker(port), [line(1)])
    with pytest.raises(CommandError, match="give mqtt://HOST:PORT"):
        publish_all(Broker("http://x", KEY, TOPICS), [line(1)])
