"""What a stream delivers, and what becomes of a record that cannot be used."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from glue.instants import to_wire
from lambdas.stream import Entry


@dataclass(frozen=True)
class StreamRecord:
    """One record as delivered: its bytes, and where and when they arrived."""

    use_case: str
    kind: str
    stream: str
    shard: str
    sequence_number: str
    arrived_at: datetime
    data: bytes


def dead_letter(record: StreamRecord, *, reason: str, detail: str, field: str | None) -> Entry:
    """The dead letter of a record, as an entry of its stream.

    A repeated delivery of the record gives the same letter: its id is made of the record's place
    and the reason, its time is the record's arrival.
    """
    letter: Mapping[str, Any] = {
        "id": f"{record.stream}:{record.shard}:{record.sequence_number}:{reason}",
        "use_case": record.use_case,
        "stage": "persist",
        "reason": reason,
        "detail": detail,
        "field": field,
        "payload": base64.b64encode(record.data).decode(),
        "event_id": None,
        "occurred_at": None,
        "failed_at": to_wire(record.arrived_at),
        "source": {
            "stream": record.stream,
            "shard": record.shard,
            "sequence_number": record.sequence_number,
        },
    }
    return Entry(letter["id"], orjson.dumps(letter))
