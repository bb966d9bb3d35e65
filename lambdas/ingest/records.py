"""Turns a parsed record into what is stored: validated, completed, serialized."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID, uuid4, uuid5

import orjson
from pydantic import BaseModel, ValidationError

from glue import Catalog, Schema, UseCase, instants
from glue.limits import AHEAD, RECORD_BYTES
from glue.parameters import Parameters, Role, format_duration
from glue.schema import RECEIPT
from glue.targets.pydantic import event_model
from lambdas.http.rejections import Rejection, from_validation, pointer, shown
from lambdas.ports.stream import Entry

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME
_IDENTITIES = UUID("9a6d6a5e-2f0b-4d43-8f62-0b8c3f9f1c11")  # the namespace of derived event_ids
INDEX_BITS = 9  # a request has at most 500 records
RANDOM_BITS = 44


class Prepared(NamedTuple):
    """A valid record and where it is to be stored; a `warning` if it may be too late to count."""

    event_id: str
    stream: str
    entry: Entry
    warning: dict[str, str] | None


class Receipt(NamedTuple):
    """When a request was received, and on the wire; no record may be of after `latest`.

    `number` and a record's index are its receipt id, a number that JavaScript represents exactly:
    44 random bits and 9 of the index. Ids of one millisecond are compared, so that is enough.
    None for what the ledger does not count: the records then have no receipt id.
    """

    wire: str
    at: datetime
    latest: datetime
    number: int | None

    @classmethod
    def of(cls, now: datetime, random_bits: int | None = None) -> Receipt:
        """The receipt of a request received now."""
        number = None if random_bits is None else random_bits << INDEX_BITS
        return cls(instants.to_wire(now), now, now + AHEAD, number)


@dataclass(frozen=True)
class Event:
    """One event, compiled: its canonical type, key, stream and validator.

    Records older than `lateness` get the `warning`; without a lateness none does. `identity` names,
    with the time, a record that was sent without an event_id.
    """

    type: str
    key: str
    stream: str
    fields: list[str]
    amounts: frozenset[str]
    validate: Callable[[Any], Any]
    lateness: timedelta | None
    warning: dict[str, str]
    identity: tuple[str, ...] = ()

    @classmethod
    def of(cls, use_case: UseCase, schema: Schema, parameters: Parameters) -> Event:
        """Compile the event's model."""
        model, names = event_model(schema), parameters.named(Role.LATENESS)
        return cls(
            type=schema.type,
            key=schema.key,
            stream=f"{use_case.name}/{schema.stream}",
            fields=list(model.model_fields),
            amounts=schema.amounts,
            validate=model.model_validate,
            lateness=parameters.lateness if names else None,
            warning=_old(names, parameters.lateness),
            identity=schema.identity,
        )

    def prepare(self, value: Any, receipt: Receipt, index: int = 0, *, place: str = "") -> Prepared:
        """Validate and complete the record at this index. Raises Rejection with the reason.

        `place` names it where each delivery is the same: then a repetition gets the same event_id.
        """
        try:
            sent = self.validate(value).__dict__
        except ValidationError as error:
            raise from_validation(error, self.type, self.fields, self.amounts) from None
        stored: dict[str, Any] = {k: v for k, v in sent.items() if v is not None}
        stored["type"] = self.type
        stored["occurred_at"] = _occurred_at(sent["occurred_at"], value, receipt)
        is_named = bool(self.identity) and (place or sent["occurred_at"] is not None)
        event_id = sent["event_id"] or (self._derived(stored) if is_named else _given(place))
        stored["event_id"] = event_id
        stored["received_at"] = receipt.wire
        if receipt.number is not None:
            stored[RECEIPT] = receipt.number + index  # the last one: readers find it from the end
        data = orjson.dumps(stored, _plain, _OPTIONS | orjson.OPT_APPEND_NEWLINE)
        if len(data) > RECORD_BYTES:
            raise _too_large(stored, len(data))
        entry = Entry(str(stored.get(self.key, event_id)), data)
        warning = self.warning if self._is_old(sent["occurred_at"], receipt) else None
        return Prepared(event_id, self.stream, entry, warning)

    def _derived(self, stored: Mapping[str, Any]) -> str:
        """The event_id that follows from the identity and the time."""
        parts = [self.type, *(str(stored[name]) for name in self.identity), stored["occurred_at"]]
        return str(uuid5(_IDENTITIES, "\0".join(parts)))

    def _is_old(self, occurred_at: datetime | None, receipt: Receipt) -> bool:
        if occurred_at is None or self.lateness is None:
            return False
        return receipt.at - occurred_at > self.lateness


def _given(place: str) -> str:
    """An event_id for a record without one; the same for the same place."""
    return str(uuid5(_IDENTITIES, place) if place else uuid4())


def _old(names: str, lateness: timedelta) -> dict[str, str]:
    """The warning for a record that is older than AllowedLateness."""
    message = (
        f"occurred_at is more than {names} ({format_duration(lateness)}) before the "
        "receipt: if the watermark has passed it too, it becomes a dead letter with reason late"
    )
    return {"code": "late", "field": "/occurred_at", "message": message}


def events(catalog: Catalog, parameters: Mapping[str, Parameters]) -> Mapping[str, Event]:
    """Every event by each name that senders may use for it."""
    by_name: dict[str, Event] = {}
    for use_case in catalog.use_cases:
        for schema in use_case.events:
            event = Event.of(use_case, schema, parameters[use_case.name])
            by_name |= dict.fromkeys((schema.type, *schema.aliases), event)
    return by_name


def of_type(value: Any, known: Mapping[str, Event]) -> Event:
    """The event named by the `type` of a record in a mixed request."""
    if not isinstance(value, dict):
        raise Rejection("wrong_type", "", f"{shown(value)} is not a JSON object; send an object")
    kind = value.get("type")
    if kind is None:
        raise Rejection("missing_field", "/type", f"type is missing; send one of {sorted(known)}")
    if not isinstance(kind, str) or kind not in known:
        message = f"{shown(kind)} is unknown; send one of {sorted(known)}"
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
    message = f"the record has {size} bytes, most of them in {largest}; send at most {RECORD_BYTES}"
    return Rejection("too_large", pointer(largest), message)
