"""Which records the live job judged late: their dead letters say so, by shard and number."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from sdpctl.backfill.originals import reached
from sdpctl.replay.records import Late, Place


def late(letters: Iterable[bytes]) -> Late:
    """The places of the records that the job refused as late, and what it had come to."""
    return dict(found for letter in letters if (found := _late(letter)))


def _late(letter: bytes) -> tuple[Place, int | None] | None:
    try:
        document = orjson.loads(letter)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict):
        return None
    if (document.get("stage"), document.get("reason")) != ("flink", "late"):
        return None
    source = document.get("source") or {}
    shard, number = source.get("shard"), source.get("sequence_number")
    return ((shard, number), reached(document)) if shard and number else None
