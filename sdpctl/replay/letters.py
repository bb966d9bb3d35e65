"""Which records the live job judged late: their dead letters say so, by shard and number."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from sdpctl.replay.records import Place


def late(letters: Iterable[bytes]) -> frozenset[Place]:
    """The places of the records that the job refused as late."""
    return frozenset(place for letter in letters if (place := _place(letter)))


def _place(letter: bytes) -> Place | None:
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
    return (shard, number) if shard and number else None
