"""Kinesis: expired records are found at the front of a shard.

The emulator looks at every record of the stream in every call: 15 ms for 200,000.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services import kinesis

REPLACED: dict[Callable[..., Any], list[str]] = {kinesis._expire_records: ["stream"]}
USED: dict[ModuleType, tuple[str, ...]] = {}


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    kinesis._expire_records = _expire_records


def _expire_records(stream: dict[str, Any]) -> None:
    """Drop what is older than the stream keeps records; a shard's records are in that order."""
    cutoff = time.time() - stream["RetentionPeriodHours"] * 3600
    for shard in stream["shards"].values():
        records = shard["records"]
        if records and records[0]["ApproximateArrivalTimestamp"] < cutoff:
            arrival = "ApproximateArrivalTimestamp"
            shard["records"] = records[bisect_left(records, cutoff, key=lambda r: r[arrival]) :]
