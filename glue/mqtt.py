"""MQTT: which topics a use case's events arrive on, and what their levels and payloads mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glue.errors import CatalogError, PlatformError
from glue.schema import ENVELOPE, Kind, Schema, schema_of
from glue.types import String

MQTT = "mqtt"  # the stream of messages, and the end of its name
# Quotas of AWS IoT Core, which no account can raise.
PAYLOAD_BYTES = 128 * 1024
TOPIC_BYTES, TOPIC_SLASHES, CLIENT_ID_BYTES = 256, 7, 128
PUBLISHES_PER_SECOND = 100  # of one connection; more are discarded
# AWS's names of things. A thing connects under its own name, so it is the client id, too.
THING = re.compile(rf"[a-zA-Z0-9:_-]{{1,{CLIENT_ID_BYTES}}}")
_FIXED = re.compile(r"[A-Za-z0-9_-]+")
_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_SHARED = tuple(c.name for c in ENVELOPE if c.name in ("type", "event_id", "occurred_at"))


class TopicError(PlatformError):
    """A message's topic or payload does not have the form that its use case declares."""


@dataclass(frozen=True)
class Mqtt:
    """Messages on `topic`, such as `measurements/{thing}/{quantity}`, are events of one class.

    The topic begins with fixed levels; each level in braces is a text field of the event. The first
    of them is the thing that sends, and may publish nothing else. The payload is the value of the
    field `value`, or an object of the event's other fields. With two fields or more, the last level
    may be left out: then the payload is an object with one such payload by that level's name, and
    `event_id` and `occurred_at` of the message beside them.
    """

    event: type
    topic: str
    value: str

    @property
    def schema(self) -> Schema:
        """The event's schema."""
        return schema_of(self.event)

    @property
    def fixed(self) -> tuple[str, ...]:
        """The fixed levels."""
        return tuple(level for level in self.topic.split("/") if not _FIELD.fullmatch(level))

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are levels of the topic."""
        return tuple(_FIELD.findall(self.topic))

    @property
    def root(self) -> str:
        """The fixed levels as a topic."""
        return "/".join(self.fixed)

    @property
    def filter(self) -> str:
        """The filter of all topics below: a message on a wrong one becomes a dead letter."""
        return f"{self.root}/+/#"

    @property
    def forms(self) -> tuple[str, ...]:
        """The topics that a thing may publish to, with the fields in braces."""
        short = self.topic.rpartition("/")[0]
        return (self.topic, short) if len(self.fields) > 1 else (self.topic,)

    def events(self, topic: str, payload: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """The events of a message, each with the name of its part; one event has no name.

        Raises TopicError.
        """
        levels = self._levels(topic)
        if len(levels) == len(self.fields):
            yield "", self._event(levels, payload)
            return
        if not isinstance(payload, dict):
            raise TopicError(
                f"the payload on {topic} is not an object; send an object with one value for each "
                f"{self.fields[-1]}"
            )
        shared = {k: v for k, v in payload.items() if k in _SHARED}
        parts = {k: v for k, v in payload.items() if k not in _SHARED}
        if not parts:
            raise TopicError(
                f"the payload has no {self.fields[-1]}; send at least one, as "
                f'{{"{self.fields[-1]}": {self.value}}}'
            )
        for part, content in parts.items():
            event = self._event({**levels, self.fields[-1]: part}, content)
            yield part, {**_named(shared, part), **event}

    def message(self, event: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The topic and payload that an event is sent as. Raises TopicError."""
        levels = [str(event.get(name, "")) for name in self.fields]
        for name, level in zip(self.fields, levels, strict=True):
            if not level or set(level) & set("/+#\0"):
                raise TopicError(
                    f"{name} {level!r} cannot be a level of a topic; it needs 1 character or more, "
                    "without /, + and #"
                )
        payload = {k: v for k, v in event.items() if k not in self.fields}
        return "/".join((self.root, *levels)), payload

    def _levels(self, topic: str) -> dict[str, str]:
        levels = topic.split("/")[len(self.fixed) :]
        if topic.startswith(f"{self.root}/") and all(levels):
            missing = len(self.fields) - len(levels)
            if missing == 0 or (missing == 1 and levels):
                return dict(zip(self.fields, levels, strict=False))
        raise TopicError(f"topic {topic} is unknown; publish to {' or '.join(self.forms)}")

    def _event(self, levels: Mapping[str, str], payload: Any) -> dict[str, Any]:
        own = payload if isinstance(payload, dict) else {self.value: payload}
        for name, level in levels.items():
            if name in own and own[name] != level:
                raise TopicError(
                    f"{name} is {own[name]!r} in the payload and {level!r} in the topic; leave it "
                    "out of the payload"
                )
        return {**own, **levels}

    def check(self, use_case: str, classes: tuple[type, ...]) -> None:
        """Raises CatalogError for a declaration that is wrong."""
        if self.event not in classes or self.schema.kind is not Kind.EVENT:
            raise CatalogError(f"{use_case}: mqtt {self.event.__name__!r} is not one of its events")
        levels = self.topic.split("/")
        ordered = [*self.fixed, *(f"{{{name}}}" for name in self.fields)]
        if levels != ordered or not all(map(_FIXED.fullmatch, self.fixed)):
            raise CatalogError(
                f"{use_case}: mqtt topic {self.topic!r}; give fixed levels of letters, digits, - "
                "and _, then fields in braces, as measurements/{thing}/{quantity}"
            )
        if not self.fixed or not self.fields or len(levels) > TOPIC_SLASHES + 1:
            raise CatalogError(
                f"{use_case}: mqtt topic {self.topic!r}; give at least one fixed level and one "
                f"field, and at most {TOPIC_SLASHES + 1} levels"
            )
        self.schema.column(self.value)
        for name in self.fields:
            if not isinstance(self.schema.column(name).type, String) or name == self.value:
                raise CatalogError(f"{use_case}: mqtt level {name!r}; give a text field")


def _named(shared: Mapping[str, Any], part: str) -> dict[str, Any]:
    """What the parts of a message share; each has an event_id of its own."""
    event_id = shared.get("event_id")
    if isinstance(event_id, str):
        return {**shared, "event_id": f"{event_id}/{part}"}
    return dict(shared)
