"""Kinesis' retention: expired records go without moving anybody who reads.

The emulator's iterators and event source mappings keep an index into a shard's records. It drops
the expired ones in every call, after a look at all of them, and leaves the indices: whoever reads
skips as many records as have gone. Here they go once in a while, and the indices with them, in the
thread that moves those of the mappings.

The same with iterators: each read makes one, which lives for five minutes, and the emulator looked
at all of them in every call, which took most of its time. A read by one that has expired is still
refused at once.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services import kinesis, lambda_svc

from sdpctl.local.launcher import event_sources, shards
from sdpctl.local.launcher import records as journaled

EVERY = 10.0  # seconds

REPLACED: dict[Callable[..., Any], list[str]] = {
    kinesis._expire_iterators: [],
    kinesis._expire_records: ["stream"],
    kinesis._get_records: ["data"],
    kinesis._get_shard_iterator: ["data"],
    lambda_svc._poll_kinesis: [],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    kinesis: ("_shard_iterators", "_streams"),
    lambda_svc: ("_iter_all_esms", "_kinesis_positions"),
}
_reading = threading.Lock()
_due = _iterators_due = 0.0
_drop_iterators = kinesis._expire_iterators


def replace() -> None:
    """Put our functions in the place of the emulator's, and of those that replaced them."""
    kinesis._expire_iterators = _expire_iterators
    kinesis._expire_records = _leave
    kinesis._get_records = _alone(kinesis._get_records)
    kinesis._get_shard_iterator = _alone(kinesis._get_shard_iterator)
    lambda_svc._poll_kinesis = _poll_kinesis


def _expire_iterators() -> None:
    """Once in a while, in a call."""
    global _iterators_due
    if time.monotonic() >= _iterators_due:
        _iterators_due = time.monotonic() + EVERY
        _drop_iterators()


def _leave(stream: dict[str, Any]) -> None:
    """Nothing is dropped in a call."""


def _alone(handler: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """The handler, while no records are dropped."""

    def handle(data: dict[str, Any]) -> Any:
        with _reading:
            return handler(data)

    return handle


def _poll_kinesis() -> Any:
    """Serve the mappings and note how far they are; before, now and then, drop what has expired."""
    global _due
    journaled.await_readable()
    if time.monotonic() >= _due:
        drop_expired(time.time())
        shards.drop_expired(time.time())
        journaled.drop_expired(time.time())
        _due = time.monotonic() + EVERY
    with shards.read_in_order():
        processed = event_sources.poll()
    journaled.note_positions()
    return processed


def drop_expired(now: float) -> None:
    """Drop what streams no longer keep at this time (epoch seconds)."""
    arrival = "ApproximateArrivalTimestamp"
    for _, stream in list(kinesis._streams.all_items()):
        cutoff = now - stream["RetentionPeriodHours"] * 3600
        for shard_id, shard in list(stream["shards"].items()):
            records = shard["records"]
            if gone := bisect_left(records, cutoff, key=lambda r: r[arrival]):
                with _reading:
                    del records[:gone]
                    _move(stream["StreamARN"], shard_id, gone)


def _move(arn: str, shard_id: str, gone: int) -> None:
    for _, iterator in list(kinesis._shard_iterators.all_items()):
        if (iterator["stream_arn"], iterator["shard_id"]) == (arn, shard_id):
            iterator["position"] = max(0, iterator["position"] - gone)
    mappings = {e["UUID"] for _, _, e in lambda_svc._iter_all_esms() if e["EventSourceArn"] == arn}
    for (*_, mapping), positions in list(lambda_svc._kinesis_positions.all_items()):
        if mapping in mappings and shard_id in positions:
            positions[shard_id] = max(0, positions[shard_id] - gone)
