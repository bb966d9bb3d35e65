"""A replay reads each record of a stream that was split and merged once, parents first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sdpctl.replay.shards import Reader, retained, shards
from tests.emulator.conftest import Client

STREAM = "replayed"
HALF = 2**127
KEYS = {"low": "1", "high": str(HALF + 1)}


@pytest.fixture
def kinesis(client: Client) -> Iterator[Any]:
    """A stream of one shard that is split, and whose halves are merged."""
    found = client("kinesis")
    found.create_stream(StreamName=STREAM, ShardCount=1)
    yield found
    found.delete_stream(StreamName=STREAM)


def _put(kinesis: Any, number: int) -> None:
    """Two records of each half."""
    for half, at in KEYS.items():
        for n in (0, 1):
            data = f"{half}-{2 * number + n}".encode()
            kinesis.put_record(StreamName=STREAM, Data=data, PartitionKey=half, ExplicitHashKey=at)


def _reshape(kinesis: Any) -> None:
    """Three generations of shards, with records in each."""
    _put(kinesis, 0)
    [first] = [shard.id for shard in shards(kinesis, STREAM)]
    kinesis.split_shard(StreamName=STREAM, ShardToSplit=first, NewStartingHashKey=str(HALF))
    _put(kinesis, 1)
    low, high = sorted(shard.id for shard in shards(kinesis, STREAM) if not shard.closed)
    kinesis.merge_shards(StreamName=STREAM, ShardToMerge=low, AdjacentShardToMerge=high)
    _put(kinesis, 2)


def test_each_record_is_read_once_in_the_order_of_its_key(kinesis: Any) -> None:
    start = datetime.now(UTC) - timedelta(minutes=1)
    _reshape(kinesis)
    found = shards(kinesis, STREAM)
    assert [shard.closed for shard in found] == [True, True, True, False]
    reader = Reader(kinesis, STREAM, time.sleep)
    end = datetime.now(UTC) + timedelta(seconds=1)
    read = [r.data.decode() for shard in found for r in reader.read(shard, start, end)]
    for half in KEYS:
        assert [text for text in read if text.startswith(half)] == [f"{half}-{n}" for n in range(6)]
    assert len(read) == 12
    assert not [r for shard in found for r in reader.read(shard, end, end + timedelta(hours=1))]
    kept = retained(kinesis, STREAM, datetime.now(UTC))
    assert kept.since < start < kept.created < end
