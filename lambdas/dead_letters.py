"""Dead letters as functions write them: why a record was not counted.

The pipeline writes the same form in SQL (`analytics_app.rendering`), with ENCLOSE for the bytes.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from glue.deadletter import Reason, Stage
from glue.instants import to_wire
from glue.limits import LETTER_BYTES
from lambdas.ports.stream import Entry

# The record's content determines the length of the message, so that is cut too.
_DETAIL, _FIELD = 1_000, 256


class Source(NamedTuple):
    """Where a record is from; unknown parts are empty: a record from a file has no shard."""

    stream: str
    shard: str | None
    sequence_number: str


def dead_letter(
    source: Source,
    data: bytes,
    *,
    use_case: str,
    stage: Stage,
    reason: Reason,
    detail: str,
    field: str | None,
    failed_at: datetime,
    event_id: str | None = None,
    part: str = "",
) -> Entry:
    """The dead letter of a record, as a stream entry.

    Its id is made of the record's place and the reason: a repeated delivery gives the same id.
    `part` distinguishes several dead letters of one record and reason.
    `failed_at` is when the platform refused the record.
    """
    payload, encoding, remark = _enclosed(data)
    names = (source.stream, source.shard or "", source.sequence_number, reason, part)
    letter: Mapping[str, Any] = {
        "id": ":".join(names if part else names[:-1]),
        "use_case": use_case,
        "stage": stage,
        "reason": reason,
        "detail": _cut(detail, _DETAIL) + remark,
        "field": field and _cut(field, _FIELD),
        "payload": payload,
        "encoding": encoding,
        "event_id": event_id,
        "occurred_at": None,
        "failed_at": to_wire(failed_at),
        "source": source._asdict(),
    }
    return Entry(letter["id"], orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE))


def _enclosed(data: bytes) -> tuple[str | None, str | None, str]:
    """Payload, encoding and an addition to the detail: as many bytes as the stream accepts."""
    if len(data) <= LETTER_BYTES:
        return base64.b64encode(data).decode(), None, ""
    packed = gzip.compress(data, mtime=0)
    if len(packed) <= LETTER_BYTES:
        return base64.b64encode(packed).decode(), "gzip", ""
    remark = f"; its {len(data)} bytes do not fit in a dead letter: read them from its source"
    return None, None, remark


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
