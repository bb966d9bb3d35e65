"""Publishes NDJSON over MQTT: a connection for each thing, QoS 1, and an exact count.

A message counts as accepted when the broker has acknowledged it. What a lost connection left
without an acknowledgement is published again by the client: it may arrive twice, and is counted
once. May not import typer or rich.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from glue import PlatformError
from glue.mqtt import (
    CLIENT_ID_BYTES,
    PAYLOAD_BYTES,
    PUBLISHES_PER_SECOND,
    THING,
    TOPIC_BYTES,
    Mqtt,
)
from sdpctl.errors import CommandError
from sdpctl.sending import Line, Rejection, Tally, Types, read_lines

CONNECTIONS = 64
IN_FLIGHT = 20
WAIT_SECONDS = 60.0
# What waits on its way may arrive together with what is published in the second after it.
A_SECOND = PUBLISHES_PER_SECOND - IN_FLIGHT
USER = "sdp"  # any; the password is the API key


@dataclass(frozen=True)
class Broker:
    """Where to publish; `topics` are by type of event, aliases included."""

    url: str
    key: str
    topics: Mapping[str, Mqtt]

    def address(self) -> tuple[str, int]:
        """Host and port. Raises CommandError."""
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port or 1883
        except ValueError:  # the port is none
            host = None
        if not host or parts.scheme != "mqtt":
            raise CommandError(f"--url {self.url}: give mqtt://HOST:PORT")
        return host, port


class Thing:
    """The connection of one thing; a broker that is not there is tried again for `seconds`.

    The client has at most `IN_FLIGHT` messages, which it publishes again when it has connected
    again: so an outage leaves no backlog that would then exceed the broker's limit.
    """

    def __init__(self, broker: Broker, name: str, seconds: float = 0.0) -> None:
        self.sent: deque[float] = deque(maxlen=A_SECOND)
        self.refused = ""
        self._answered = threading.Event()
        self._acknowledged, self._given_up = set[int](), set[int]()
        self._open, self._heard = 0, time.monotonic()
        self._changed = threading.Condition()
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self.client.username_pw_set(USER, broker.key)
        self.client.max_inflight_messages_set(IN_FLIGHT)
        self.client.reconnect_delay_set(1, 5)
        self.client.on_connect = self._on_connect
        self.client.on_publish = self._on_publish
        self._reach(broker, seconds)
        self.client.loop_start()
        if not self._answered.wait(WAIT_SECONDS):
            raise CommandError(f"{broker.url}: no answer within {WAIT_SECONDS:g} s")
        if self.refused:
            self.end()
            raise CommandError(
                f"{broker.url} refuses {name}: {self.refused}{_advice(self.refused)}"
            )

    def _reach(self, broker: Broker, seconds: float) -> None:
        host, port = broker.address()
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.client.connect(host, port, keepalive=60)
            except OSError as error:
                if time.monotonic() >= deadline:
                    reason = f"{broker.url}: {error.strerror or error}"
                    raise CommandError(f"{reason}; './sdp status' shows the broker") from error
                time.sleep(0.5)
            else:
                return

    def publish(self, topic: str, payload: bytes) -> int | None:
        """Hand a message over, not faster than the broker takes them; its id.

        Without a connection it is published after the next one is made. None if nothing was
        acknowledged for so long that it is not handed over.
        """
        with self._changed:
            if not self._await(lambda: self._open < IN_FLIGHT):
                return None
            if not self._open:
                self._heard = time.monotonic()
            self._open += 1
        while len(self.sent) == A_SECOND and (left := self.sent[0] + 1 - time.monotonic()) > 0:
            time.sleep(left)
        self.sent.append(time.monotonic())
        return self.client.publish(topic, payload, qos=1).mid

    def is_acknowledged(self, message: int) -> bool:
        """Wait for the acknowledgement of a message; whether it came."""
        with self._changed:
            came = self._await(lambda: message in self._acknowledged)
            (self._acknowledged.discard if came else self._given_up.add)(message)
        return came

    def _await(self, condition: Callable[[], bool]) -> bool:
        """Until it holds; False once nothing was acknowledged for `WAIT_SECONDS`."""
        while not condition():
            left = self._heard + WAIT_SECONDS - time.monotonic()
            if left <= 0:
                return False
            self._changed.wait(left)
        return True

    def end(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()

    def _on_publish(self, *answer: Any) -> None:
        message = answer[2]
        with self._changed:
            self._open -= 1
            self._heard = time.monotonic()
            if message in self._given_up:
                self._given_up.remove(message)
            else:
                self._acknowledged.add(message)
            self._changed.notify_all()

    def _on_connect(self, *answer: Any) -> None:
        code = answer[3]
        assert isinstance(code, ReasonCode)
        self.refused = str(code) if code.is_failure else ""
        self.sent.extend([time.monotonic()] * self._open)  # they are published again now
        self._answered.set()


@dataclass
class Publisher:
    """Publishes lines in their order; things that have not sent for longest are disconnected."""

    broker: Broker
    tally: Tally
    progress: Callable[[Tally], object] = lambda tally: None
    _things: OrderedDict[str, Thing] = field(default_factory=OrderedDict)
    _reached: bool = False
    _open: deque[tuple[Thing, int]] = field(default_factory=deque)

    def send(self, lines: Iterable[Line], rate: float | None) -> None:
        """Publish them, and wait for every acknowledgement."""
        started = time.monotonic()
        try:
            for number, line in enumerate(lines):
                if rate:
                    time.sleep(max(0.0, started + number / rate - time.monotonic()))
                self._line(line)
            self._await(0)
        except CommandError:
            self._await(0)  # what is on its way counts, too
            raise
        finally:
            for thing in self._things.values():
                thing.end()

    def _line(self, line: Line) -> None:
        event = orjson.loads(line.body)
        try:
            topic, payload, name = self._message(event)
        except (PlatformError, ValueError) as error:
            self.tally.reject(Rejection(line.number, "", str(error), line.body))
            return
        thing = self._thing(name)
        message = thing.publish(topic, payload)
        if message is None:
            self._unanswered()
        else:
            self._open.append((thing, message))
            self._await(IN_FLIGHT * CONNECTIONS)

    def _message(self, event: Mapping[str, Any]) -> tuple[str, bytes, str]:
        mqtt = self.broker.topics.get(str(event.get("type")))
        if mqtt is None:
            choices = ", ".join(sorted(self.broker.topics))
            raise ValueError(f"type {event.get('type')!r} has no topic; types: {choices}")
        topic, content = mqtt.message(event)
        payload = orjson.dumps(content)
        if len(payload) > PAYLOAD_BYTES or len(topic.encode()) > TOPIC_BYTES:
            raise ValueError(
                f"{len(payload)} bytes on a topic of {len(topic.encode())}; a message has at most "
                f"{PAYLOAD_BYTES}, a topic {TOPIC_BYTES}"
            )
        name = str(event[mqtt.fields[0]])
        if not THING.fullmatch(name):
            raise ValueError(
                f"{mqtt.fields[0]} {name[:140]!r} cannot connect: a client id has 1 to "
                f"{CLIENT_ID_BYTES} letters, digits, :, _ and -"
            )
        return topic, payload, name

    def _thing(self, name: str) -> Thing:
        if name not in self._things:
            if len(self._things) == CONNECTIONS:
                self._await(0)
                self._things.popitem(last=False)[1].end()
            # Once a connection was made, a broker that is not there is being restarted.
            seconds, self._reached = WAIT_SECONDS if self._reached else 0.0, True
            self._things[name] = Thing(self.broker, name, seconds)
        self._things.move_to_end(name)
        return self._things[name]

    def _await(self, left: int) -> None:
        """Until at most `left` are without an acknowledgement."""
        while len(self._open) > left:
            thing, message = self._open.popleft()
            if thing.is_acknowledged(message):
                self.tally.accepted += 1
                self.progress(self.tally)
            else:
                self._unanswered()

    def _unanswered(self) -> None:
        self.tally.unanswered += 1
        self.tally.cause = f"no acknowledgement within {WAIT_SECONDS:g} s"
        self.progress(self.tally)


def publish_all(
    broker: Broker,
    source: Iterable[bytes],
    *,
    rate: float | None = None,
    progress: Callable[[Tally], object] = lambda tally: None,
    keep: Callable[[Rejection], object] = lambda rejection: None,
    types: Types | None = None,
    tally: Tally | None = None,
) -> Tally:
    """Publish an NDJSON source. Raises CommandError if the broker is gone, or refuses the key.

    `tally` is counted on, so that its owner has the counts of what was published before an error.
    """
    tally = Tally() if tally is None else tally
    tally.keep = keep
    lines = read_lines(source, tally, types, name=False)
    Publisher(broker, tally, progress).send(lines, rate)
    return tally


def _advice(refused: str) -> str:
    """What to do about a key that is none."""
    is_key = refused == "Bad user name or password"
    return "; --api-key, or SDP_API_KEY, must be a key of this deployment" if is_key else ""
