"""A parsed record to what is stored: validated by its event's model, completed, serialized."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import uuid4

import orjson
from pydantic import BaseModel, ValidationError

from glue import Catalog, Schema, UseCase, instants
from glue.limits import AHEAD, RECORD_BYTES
from glue.targets.pydantic import event_model
from lambdas.ingest.rejections import Rejection, from_validation, pointer, shown
from lambdas.stream import Entry

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME


class Prepared(NamedTuple):
    """A valid record, where it is to be stored, and whether it may be too late to be counted."""

    event_id: str
    stream: str
    entry: Entry
    is_old: bool


class Receipt(NamedTuple):
    """When a request was received, on the wire; records of before `oldest` may be too late."""

    wire: str
    latest: datetime
    oldest: datetime

    @classmethod
    def at(cls, now: datetime, lateness: timedelta) -> Receipt:
        """Of a request received now; event time is allowed to be `lateness` behind."""
        return cls(instants.to_wire(now), now + AHEAD, now - lateness)


@dataclass(frozen=True)
class Event:
    """One event, compiled: its canonical type, key, stream and validator."""

    type: str
    key: str
    stream: str
    fields: list[str]
    amounts: frozenset[str]
    validate: Callable[[Any], Any]

    @classmethod
    def of(cls, use_case: UseCase, schema: Schema) -> Event:
        """Compile the event's model."""
        model = event_model(schema)
        stream = f"{use_case.name}/{schema.stream}"
        fields, validate = list(model.model_fields), model.model_validate
        return cls(schema.type, schema.key, stream, fields, schema.amounts, validate)

    def prepare(self, value: Any, receipt: Receipt) -> Prepared:
        """Validate and complete one record; Rejection says what is wrong with it."""
        try:
            sent = self.validate(value).__dict__
        except ValidationError as error:
            raise from_validation(error, self.type, self.fields, self.amounts) from None
        event_id = sent["event_id"] or str(uuid4())
        stored: dict[str, Any] = {k: v for k, v in sent.items() if v is not None}
        stored["type"] = self.type
        stored["event_id"] = event_id
        stored["occurred_at"] = _occurred_at(sent["occurred_at"], value, receipt)
        stored["received_at"] = receipt.wire
        data = orjson.dumps(stored, _plain, _OPTIONS | orjson.OPT_APPEND_NEWLINE)
        if len(data) > RECORD_BYTES:
            raise _too_large(stored, len(data))
        is_old = sent["occurred_at"] is not None and sent["occurred_at"] < receipt.oldest
        entry = Entry(str(stored.get(self.key, event_id)), data)
        return Prepared(event_id, self.stream, entry, is_old)


def events(catalog: Catalog) -> Mapping[str, Event]:
    """Every event by each name that senders may use for it."""
    found: dict[str, Event] = {}
    for use_case in catalog.use_cases:
        for schema in use_case.events:
            event = Event.of(use_case, schema)
            found |= dict.fromkeys((schema.type, *schema.aliases), event)
    return found


def of_type(value: Any, known: Mapping[str, Event]) -> Event:
    """The event that a record of a mixed request says it is."""
    if not isinstance(value, dict):
        raise Rejection("wrong_type", "", f"{shown(value)} is not an object; send an object")
    kind = value.get("type")
    if kind is None:
        raise Rejection("missing_field", "/type", f"type is missing; send one of {sorted(known)}")
    if not isinstance(kind, str) or kind not in known:
        message = f"{shown(kind)} is not an event; send one of {sorted(known)}"
        raise Rejection("unknown_type", "/type", message)
    return known[kind]


def _occurred_at(sent: datetime | None, value: dict[str, Any], receipt: Receipt) -> str:
    if sent is None:
        return receipt.wire
    if sent > receipt.latest:
        message = (
            f"{shown(value['occurred_at'])} is more than 5 minutes ahead of {receipt.wire}; "
            "check the sender's clock"
        )
        raise Rejection("in_future", "/occurred_at", message)
    return instants.to_wire(sent)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return instants.to_wire(value)
    group = cast(BaseModel, value)
    return {k: v for k, v in group.__dict__.items() if v is not None}


def _too_large(stored: dict[str, Any], size: int) -> Rejection:
    largest = max(stored, key=lambda name: len(orjson.dumps(stored[name], _plain, _OPTIONS)))
    message = f"the record has {size} bytes, most of them in {largest}; send {RECORD_BYTES} at most"
    return Rejection("too_large", pointer(largest), message)
