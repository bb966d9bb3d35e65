"""Reads streams as slowly as Kinesis allows: five reads per second and shard, for all readers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

SECONDS = 0.25


def rows(kinesis: Any, stream: str) -> Iterator[dict[str, Any]]:
    """Every record that a stream contains now, decoded from JSON, one shard after the other."""
    for record in records(kinesis, stream):
        yield json.loads(record["Data"])


def records(kinesis: Any, stream: str) -> Iterator[dict[str, Any]]:
    """Every record that a stream contains now, one shard after the other."""
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            page = _page(kinesis, iterator)
            yield from page["Records"]
            if not page["Records"] and not page.get("MillisBehindLatest"):
                break
            iterator = page.get("NextShardIterator")


def _page(kinesis: Any, iterator: str) -> dict[str, Any]:
    while True:
        try:
            page: dict[str, Any] = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
        except kinesis.exceptions.ProvisionedThroughputExceededException:
            time.sleep(SECONDS)  # what others read counts too, so no pace of ours is slow enough
            continue
        return page
