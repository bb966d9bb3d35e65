"""Puts one heartbeat record into every open shard of an event stream."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import uuid4

import orjson

from glue import PlatformError, instants
from lambdas.ports.stream import Entry, Stream


class HeartbeatError(PlatformError):
    """A shard got no heartbeat."""


def beat(stream: Stream, name: str, shards: Iterable[str], now: datetime) -> int:
    """Put a heartbeat into each shard, by its starting hash key. Returns the number of shards.

    Raises HeartbeatError after all retries: a shard without heartbeats holds event time up.
    """
    entries = [Entry("heartbeat", _record(now), shard) for shard in shards]
    failed = [reason for reason in stream.put(name, entries) if reason is not None]
    if failed:
        causes = sorted(set(failed))
        raise HeartbeatError(f"{name}: {len(failed)} of {len(entries)} shards: {causes}")
    return len(entries)


def _record(now: datetime) -> bytes:
    at = instants.to_wire(now)
    return orjson.dumps(
        {"type": "heartbeat", "event_id": str(uuid4()), "occurred_at": at, "received_at": at},
        option=orjson.OPT_APPEND_NEWLINE,
    )
