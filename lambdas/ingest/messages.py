"""MQTT messages, as a rule of AWS IoT Core stores them, become events or dead letters.

A message is validated like a record over HTTP. A sender that has its acknowledgement receives no
answer, so what is rejected becomes a dead letter with the message's bytes. May not do I/O.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from glue import Catalog, UseCase, instants
from glue.catalog import DEAD_LETTERS
from glue.mqtt import Mqtt, TopicError
from glue.parameters import Parameters
from lambdas.dead_letters import Source, dead_letter
from lambdas.http import bodies
from lambdas.http.rejections import Rejection
from lambdas.http.requests import InvalidRequest
from lambdas.ingest.records import RANDOM_BITS, Event, Receipt
from lambdas.ports.stream import Entry

HASH_BITS = RANDOM_BITS - 1  # room for a message of more than 512 events


class Put(NamedTuple):
    """An entry for a stream, "use case/stream"; `accepted`: it is an event.

    `received_at` is when its message was, if that is known.
    """

    stream: str
    entry: Entry
    accepted: bool
    received_at: datetime | None = None


class Message(NamedTuple):
    """A message, and the record of the stream that has it."""

    topic: str
    payload: bytes
    received_at: datetime


@dataclass(frozen=True)
class Messages:
    """The messages of one use case."""

    use_case: str
    mqtt: Mqtt
    event: Event

    @classmethod
    def of(cls, use_case: UseCase, parameters: Parameters) -> Messages:
        """Of a use case that declares them."""
        assert use_case.mqtt is not None
        limited = use_case.within(parameters.max_amount)
        (schema,) = (s for s in limited.events if s.type == use_case.mqtt.schema.type)
        return cls(use_case.name, use_case.mqtt, Event.of(use_case, schema, parameters))

    def puts(self, data: bytes, source: Source, now: datetime) -> Iterator[Put]:
        """What becomes of a record: the same at each delivery, but for the time of refusal."""
        try:
            message = parse(data)
        except ValueError as error:
            yield self._refused(source, data, f"no message of the rule: {error}", None, now)
            return
        try:
            parts = list(self.mqtt.events(message.topic, self._value(message.payload)))
        except (InvalidRequest, Rejection, TopicError) as problem:
            yield self._letter(source, message, problem, now)
            return
        exact: list[dict[str, Any]] = []
        for number, (part, value) in enumerate(parts):
            try:
                yield self._event(value, message, source, part, number)
            except Rejection as rejection:
                if bodies.has_fraction(value):  # 77.0 is an integer
                    exact = exact or self._exact(message)
                again = exact[number] if exact else None
                yield self._second(again, rejection, message, source, part, number, now)

    def _exact(self, message: Message) -> list[dict[str, Any]]:
        """The events of a message with exact numbers."""
        payload = bodies.exact(message.payload)
        return [value for _, value in self.mqtt.events(message.topic, payload)]

    def failed(self, topic: str, payload: bytes, source: Source, why: str, now: datetime) -> Put:
        """The dead letter of a message that the rule could not store."""
        return self._refused(source, payload, f"{topic}: {why}", None, now)

    def _second(
        self,
        value: dict[str, Any] | None,
        rejection: Rejection,
        message: Message,
        source: Source,
        part: str,
        number: int,
        now: datetime,
    ) -> Put:
        """With exact numbers, if that makes a difference; else the dead letter."""
        try:
            if value is not None:
                return self._event(value, message, source, part, number)
        except Rejection as exact:
            rejection = exact
        return self._letter(source, message, rejection, now, part)

    def _event(self, value: Any, message: Message, source: Source, part: str, number: int) -> Put:
        place = f"{source.stream}/{source.shard}/{source.sequence_number}"
        receipt = Receipt.of(message.received_at, _hash(place))
        prepared = self.event.prepare(value, receipt, number, place=f"{place}/{part}")
        return Put(prepared.stream, prepared.entry, True, message.received_at)

    def _value(self, payload: bytes) -> Any:
        if not payload.strip():
            raise Rejection("malformed", "", "the payload is empty; send JSON")
        try:
            return bodies.document(payload)
        except InvalidRequest as error:
            raise Rejection("malformed", "", _of_payload(str(error))) from None

    def _letter(
        self, source: Source, message: Message, problem: Exception, now: datetime, part: str = ""
    ) -> Put:
        field = problem.field if isinstance(problem, Rejection) else None
        where = f"{message.topic}, {part}" if part else message.topic
        detail = f"{where}: {problem}"
        put = self._refused(source, message.payload, detail, field or None, now, part)
        return put._replace(received_at=message.received_at)

    def _refused(
        self,
        source: Source,
        data: bytes,
        detail: str,
        field: str | None,
        now: datetime,
        part: str = "",
    ) -> Put:
        letter = dead_letter(
            source,
            data,
            use_case=self.use_case,
            stage="ingest",
            reason="malformed",
            detail=detail,
            field=field,
            failed_at=now,
            part=part,
        )
        return Put(f"{self.use_case}/{DEAD_LETTERS}", letter, accepted=False)


def parse(data: bytes) -> Message:
    """A record as the rule writes it. Raises ValueError."""
    record: Any = orjson.loads(data)
    try:
        payload = base64.b64decode(record["payload"], validate=True)
        received_at = instants.from_millis(record["received_at"])
        return Message(str(record["topic"]), payload, received_at)
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def all_of(catalog: Catalog, parameters: Mapping[str, Parameters]) -> dict[str, Messages]:
    """By the name of the use case."""
    return {u.name: Messages.of(u, parameters[u.name]) for u in catalog.use_cases if u.mqtt}


def _hash(place: str) -> int:
    """The bits of a receipt id, which each delivery of a message gives again."""
    digest = blake2b(place.encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> (64 - HASH_BITS)


def _of_payload(text: str) -> str:
    return text.replace("the body", "the payload", 1)
