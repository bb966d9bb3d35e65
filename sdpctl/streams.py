"""Reads streams of results from an instant on, each record with the time of its arrival."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from sdpctl.clock import pause

PAGE = 10_000
# A shard serves five reads a second to all its readers together.
SECONDS = 0.25


class Arrived(NamedTuple):
    """A record that is a JSON object, and when the stream had it."""

    at: datetime
    row: Mapping[str, Any]


def since(kinesis: Any, stream: str, start: datetime) -> Iterator[Arrived]:
    """What arrived in a stream from `start` until now, one shard after the other.

    Records that are no JSON objects are left out.
    """
    for shard in _shards(kinesis, stream):
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=start
        )["ShardIterator"]
        while iterator:
            page = _page(kinesis, iterator)
            yield from filter(None, map(_arrived, page["Records"]))
            iterator = page.get("NextShardIterator") if page.get("MillisBehindLatest") else None


def _shards(kinesis: Any, stream: str) -> Iterator[str]:
    request = {"StreamName": stream}
    while request:
        answer = kinesis.list_shards(**request)
        yield from (shard["ShardId"] for shard in answer["Shards"])
        token = answer.get("NextToken")
        request = {"NextToken": token} if token else {}


def _page(kinesis: Any, iterator: str) -> Mapping[str, Any]:
    while True:
        try:
            page: Mapping[str, Any] = kinesis.get_records(ShardIterator=iterator, Limit=PAGE)
        except kinesis.exceptions.ProvisionedThroughputExceededException:
            pause(SECONDS)
        else:
            return page


def _arrived(record: Mapping[str, Any]) -> Arrived | None:
    try:
        row = orjson.loads(record["Data"])
    except orjson.JSONDecodeError:
        return None
    return Arrived(record["ApproximateArrivalTimestamp"], row) if isinstance(row, dict) else None
