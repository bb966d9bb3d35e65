"""A broker of the tests' own, in a thread, with a door that remembers what it stored."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from sdpctl.local.mqtt.broker import RuleBroker, serve
from sdpctl.local.mqtt.policies import Policy
from sdpctl.local.mqtt.rules import Message
from sdpctl.local.processes import free_port

KEY = "the-key"
THING = "${iot:Connection.Thing.ThingName}"
ARN = "arn:aws:iot:us-east-1:000000000000"
OWN = f"{ARN}:topic/measurements/{THING}"
DOCUMENT = {
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "iot:Connect",
            "Resource": f"{ARN}:client/{THING}",
            "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}},
        },
        {
            "Effect": "Allow",
            "Action": ["iot:Publish", "iot:RetainPublish"],
            "Resource": [OWN, f"{OWN}/*"],
        },
    ]
}


@dataclass
class FakeDoor:
    """Stores messages in a list; fails as often as it is made to."""

    stored: list[Message] = field(default_factory=list)
    failures: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    policy: Policy = field(default_factory=lambda: Policy.parse(json.dumps(DOCUMENT)))

    def is_key(self, password: str) -> bool:
        """The one key."""
        return password == KEY

    def allows(self, action: str, kind: str, name: str, thing: str) -> bool:
        """By the policy."""
        return self.policy.allows(action, kind, name, thing)

    async def store(self, message: Message) -> bool:
        """Remember it, unless it fails now."""
        with self.changed:
            if self.failures:
                self.failures -= 1
                return False
            self.stored.append(message)
            self.changed.notify_all()
        return True

    def await_(self, count: int) -> list[Message]:
        """The messages, once there are `count`."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.stored) >= count, 60), self.stored
            return list(self.stored)


@contextmanager
def running(door: FakeDoor) -> Iterator[int]:
    """The port of a broker that asks the door."""
    port, started, loop = free_port(), threading.Event(), asyncio.new_event_loop()
    ended: asyncio.Event = asyncio.Event()

    async def run() -> None:
        broker: RuleBroker = await serve(door, port)
        started.set()
        await ended.wait()
        await broker.shutdown()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(60)


class Device(Client):
    """A client that waits for what the broker answers."""

    def __init__(
        self, name: str, password: str = KEY, user: str | None = "any", **more: Any
    ) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, client_id=name, **more)
        if user is not None:
            self.username_pw_set(user, password)
        self.answered, self.left = threading.Event(), threading.Event()
        self.code: Any = None
        self.on_connect = self._connected
        self.on_disconnect = lambda *_: self.left.set()
        self.acknowledged, self.changed = 0, threading.Condition()
        self.on_publish = self._published

    def _connected(self, *answer: Any) -> None:
        self.code = answer[3]
        self.answered.set()

    def reach(self, port: int) -> Any:
        """Connect; the broker's reason code."""
        self.connect("127.0.0.1", port, keepalive=60)
        self.loop_start()
        assert self.answered.wait(60)
        return self.code

    def _published(self, *answer: Any) -> None:
        with self.changed:
            self.acknowledged += 1
            self.changed.notify_all()

    def await_acknowledged(self, count: int) -> None:
        """Until `count` messages are acknowledged, whatever connection they were sent on."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.acknowledged >= count, 120), self.acknowledged

    def end(self) -> None:
        """Disconnect."""
        self.disconnect()
        self.loop_stop()
