"""The broker: amqtt's MQTT 3.1.1, with the authentication, limits and rules of AWS IoT Core.

A message with QoS 1 is acknowledged once a rule has stored it, or its error action has it: what a
client has an acknowledgement for is never lost. On AWS that is so from the acknowledgement on, by
IoT Core's own storage; this process has none, so it stores first.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import amqtt.broker
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.errors import MQTTError
from amqtt.mqtt.connack import BAD_USERNAME_PASSWORD, IDENTIFIER_REJECTED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket

from glue.mqtt import (
    PAYLOAD_BYTES,
    PUBLISHES_PER_SECOND,
    THING,
    TOPIC_BYTES,
    TOPIC_SLASHES,
)
from sdpctl.clock import now
from sdpctl.local.mqtt.rules import Message

HOST = "127.0.0.1"
NOT_AUTHORIZED = 5
log = logging.getLogger("sdp.mqtt")


class Door(Protocol):
    """What the broker asks: who may do what, and to store messages."""

    def is_key(self, password: str) -> bool:
        """Whether the password is an API key of the deployment."""
        ...

    def allows(self, action: str, kind: str, name: str, thing: str) -> bool:
        """Whether a policy allows the thing to do it."""
        ...

    async def store(self, message: Message) -> bool:
        """Carry out the rules for a message; False if it is not stored."""
        ...


@dataclass
class Pace:
    """The publishes of one connection in the last second."""

    limit: int = PUBLISHES_PER_SECOND
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._at: deque[float] = deque()

    def admits(self) -> bool:
        """Whether one more is within the limit."""
        present = self.clock()
        while self._at and self._at[0] <= present - 1:
            self._at.popleft()
        if len(self._at) >= self.limit:
            return False
        self._at.append(present)
        return True


def refusal(topic: str, payload: bytes, qos: int) -> str:
    """Why AWS IoT Core closes the connection of who publishes this; empty if it does not."""
    if qos > 1:
        return f"QoS {qos}; AWS IoT Core has QoS 0 and 1"
    if len(payload) > PAYLOAD_BYTES:
        return f"a payload of {len(payload)} bytes; at most {PAYLOAD_BYTES}"
    if len(topic.encode()) > TOPIC_BYTES or not topic:
        return f"a topic of {len(topic.encode())} bytes; 1 to {TOPIC_BYTES}"
    if topic.count("/") > TOPIC_SLASHES:
        return f"a topic with {topic.count('/')} slashes; at most {TOPIC_SLASHES}"
    if topic.startswith("$") or set(topic) & set("+#\0"):
        return f"topic {topic!r}; without + and #, and not reserved ($)"
    return ""


def handler_class(door: Door) -> type[BrokerProtocolHandler]:
    """amqtt's handler of a connection, that asks this door."""

    class Handler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt has no types
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            self._pace = Pace()
            self._gone = False

        @classmethod
        async def init_from_connect(cls, reader: Any, writer: Any, *args: Any, **named: Any) -> Any:
            """Refuse whoever has no key before an earlier session of the same client ends."""
            handler, session = await super().init_from_connect(reader, writer, *args, **named)
            code, why = _refused_connection(door, session)
            if code:
                await ConnackPacket.build(0, code).to_stream(writer)
                await writer.close()
                raise MQTTError(f"client {session.client_id!r}: {why}")
            return handler, session

        async def handle_publish(self, packet: Any) -> None:
            """Store a message, then acknowledge it."""
            topic, payload = packet.topic_name or "", bytes(packet.data or b"")
            thing, qos = str(self.session.client_id), packet.qos
            why = refusal(topic, payload, qos) or _forbidden(door, thing, topic, packet.retain_flag)
            if not why and not self._pace.admits():
                why = f"more than {self._pace.limit} messages a second"
            if why and not self._gone:
                log.warning("client %s: %s: the connection is closed", thing, why)
                await self._close()
            if self._gone:
                return
            if not await door.store(Message(topic, payload, thing, _millis())):
                log.error("client %s: not stored: the connection is closed", thing)
                await self._close()
            elif qos == 1:
                await self._send_packet(PubackPacket.build(packet.packet_id))

        async def stop(self) -> None:
            """Close the connection first, for its reader may miss that it is cancelled.

            asyncio.wait_for of Python 3.11 returns a result that came with the cancellation; the
            reader would wait for the next packet, and amqtt for the reader.
            """
            await self._close()
            await super().stop()

        async def _close(self) -> None:
            """Nothing that is received after this is stored."""
            self._gone = True
            if self.writer is not None:
                with suppress(OSError, TimeoutError):
                    await self.writer.close()

    return Handler


class RuleBroker(Broker):  # type: ignore[misc]
    """amqtt's broker; a client's last will is a message like any other."""

    door: Door

    async def add_subscription(self, subscription: tuple[str, int], session: Any) -> int:
        """Refused where no policy allows it."""
        topic, _ = subscription
        if not self.door.allows("iot:Subscribe", "topicfilter", topic, session.client_id):
            log.warning("client %s may not subscribe to %s", session.client_id, topic)
            return 0x80
        return int(await super().add_subscription(subscription, session))

    async def _broadcast_message(
        self, session: Any, topic: Any, data: Any, force_qos: Any = None
    ) -> None:
        """Only of wills: what is published is stored by its connection."""
        thing, payload = str(session.client_id), bytes(data or b"")
        why = refusal(topic, payload, 0) or _forbidden(self.door, thing, topic, False)
        if why:
            log.warning("the will of client %s: %s: discarded", thing, why)
        elif not await self.door.store(Message(topic, payload, thing, _millis())):
            log.error("the will of client %s is not stored", thing)


async def serve(door: Door, port: int) -> RuleBroker:
    """A started broker on a port of this machine."""
    # amqtt creates its handlers by this name.
    amqtt.broker.BrokerProtocolHandler = handler_class(door)
    listener = ListenerConfig(bind=f"{HOST}:{port}")
    # The handler authenticates before amqtt asks its plugin, which always agrees.
    agrees = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    broker = RuleBroker(BrokerConfig(listeners={"default": listener}, plugins=agrees))
    broker.door = door
    await broker.start()
    return broker


def _refused_connection(door: Door, session: Any) -> tuple[int, str]:
    thing = str(session.client_id or "")
    if not session.username or not session.password or not door.is_key(session.password):
        return BAD_USERNAME_PASSWORD, "no user name, or the password is not an API key"
    if not THING.fullmatch(thing):
        return IDENTIFIER_REJECTED, "a client id is its thing's name: letters, digits, :, _ and -"
    if not door.allows("iot:Connect", "client", thing, thing):
        return NOT_AUTHORIZED, "no policy allows it to connect"
    return 0, ""


def _forbidden(door: Door, thing: str, topic: str, retained: bool) -> str:
    for action in ("iot:Publish", *(["iot:RetainPublish"] if retained else [])):
        if not door.allows(action, "topic", topic, thing):
            return f"no policy allows {action} to {topic}"
    return ""


def _millis() -> int:
    return int(now().timestamp() * 1000)
