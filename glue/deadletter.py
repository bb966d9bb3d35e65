"""A dead letter: what was not counted, with the reason and its original bytes.

Its columns are the same whoever writes it: ingestion, the pipeline, persist or the lake.
"""

from __future__ import annotations

import base64
import gzip
from datetime import datetime
from typing import Annotated, Literal, get_args

from glue.schema import columns_of
from glue.types import Column

Stage = Literal["ingest", "flink", "persist", "lake", "dispatch"]
Reason = Literal[
    "malformed", "late", "duplicate", "unmatched", "refused", "filtered", "undelivered"
]
STAGES: tuple[Stage, ...] = get_args(Stage)
REASONS: tuple[Reason, ...] = get_args(Reason)


class _Source:
    stream: Annotated[str | None, "The stream it was read from."] = None
    shard: Annotated[str | None, "The shard."] = None
    sequence_number: Annotated[str | None, "Its place in the shard."] = None


class DeadLetter:
    """A record that was not counted, and why."""

    id: Annotated[str, "Names this dead letter; a repetition has the same."]
    use_case: Annotated[str, "The use case."]
    stage: Annotated[str, "Which part of the platform refused it: flink, persist, lake …"]
    reason: Annotated[str, "malformed, late, duplicate, unmatched, refused …"]
    detail: Annotated[str | None, "What is wrong, in words that the sender understands."] = None
    field: Annotated[str | None, "The field that is wrong, such as /price."] = None
    payload: Annotated[str | None, "The original bytes, base64; empty where they are too many."] = (
        None
    )
    encoding: Annotated[str | None, "How the bytes are packed: gzip, where they are many."] = None
    event_id: Annotated[str | None, "The event's id, where it could be read."] = None
    occurred_at: Annotated[datetime | None, "Event time, where it could be read."] = None
    failed_at: Annotated[datetime | None, "When the platform refused it."] = None
    source: Annotated[_Source | None, "Where the record is stored."] = None


DOC = "What was not counted, with the reason and the original bytes."
KEY = "id"
COLUMNS: tuple[Column, ...] = columns_of(DeadLetter)


def original(payload: str | None, encoding: str | None) -> bytes | None:
    """The record's bytes; None if the dead letter does not have all of them."""
    if payload is None:
        return None
    data = base64.b64decode(payload)
    return gzip.decompress(data) if encoding == "gzip" else data
