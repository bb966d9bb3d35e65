"""An action as its stream has it, and the body that its receivers get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from glue import instants
from lambdas.result_records import Malformed, json_object

# EventBridge and SNS accept 256 KB of an entry with its attributes; DynamoDB 400 KB of an item.
BODY_BYTES = 240_000
# The id is in the table's key and in a header, the customer in a key.
NAME_BYTES = 1_024


@dataclass(frozen=True)
class Action:
    """What dispatch knows of an action. `time_zone` is the customer's, if the record has it."""

    id: str
    kind: str
    channel: str
    customer: str
    occurred_at: datetime
    time_zone: str | None
    body: str


def read(use_case: str, data: bytes) -> Action:
    """The action in these bytes. Raises Malformed with the field that is wrong."""
    row = json_object(data)
    occurred_at = _instant(row)
    return Action(
        id=_name(row, "id"),
        kind=_text(row, "kind") or "",
        channel=_text(row, "channel") or "",
        customer=_name(row, "customer_id" if row.get("customer_id") else "subject"),
        occurred_at=occurred_at,
        time_zone=_text(row, "time_zone"),
        body=_body(use_case, row, occurred_at),
    )


def time_zone(body: str) -> str | None:
    """The customer's time zone, from the body that is stored; None if it has none."""
    zone = orjson.loads(body)["data"].get("time_zone")
    return zone if isinstance(zone, str) else None


def _body(use_case: str, row: Mapping[str, Any], occurred_at: datetime) -> str:
    """The payload as Standard Webhooks recommends it: type, timestamp, data; keys are sorted."""
    payload = {
        "type": f"{use_case}.action",
        "timestamp": instants.to_wire(occurred_at),
        "data": row,
    }
    try:
        body = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise Malformed(f"not JSON of 64-bit numbers: {error}") from error
    if len(body) > BODY_BYTES:
        raise Malformed(f"has {len(body)} bytes; an action has at most {BODY_BYTES}")
    return body.decode()


def _instant(row: Mapping[str, Any]) -> datetime:
    try:
        return instants.parse(row.get("occurred_at"))
    except ValueError as error:
        raise Malformed(str(error), "/occurred_at") from error


def _name(row: Mapping[str, Any], field: str) -> str:
    value = _text(row, field)
    if not value or len(value.encode("utf-8", "replace")) > NAME_BYTES:
        raise Malformed(f"must be text of 1 to {NAME_BYTES} bytes, is {value!r:.100}", f"/{field}")
    return value


def _text(row: Mapping[str, Any], field: str) -> str | None:
    value = row.get(field)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"must be text, is {type(value).__name__}", f"/{field}")
    return value
