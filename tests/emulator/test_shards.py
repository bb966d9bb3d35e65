"""Shards that are split and merged: as on AWS, nothing that they hold is lost."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sdpctl.settings import Settings
from tests.emulator.archives import zipped
from tests.emulator.conftest import Client
from tests.emulator.test_functions import ROLE
from tests.local.driver import wait_until

FIRST = "shardId-000000000000"
HALF = 2**127
LOW, HIGH = "1", str(HALF + 1)  # explicit hash keys of the halves
_names = (f"shards-{n}" for n in itertools.count())


@pytest.fixture
def kinesis(client: Client) -> Any:
    return client("kinesis")


@pytest.fixture
def stream(kinesis: Any) -> Iterator[str]:
    """A stream of one shard with the records `a` and `b`."""
    name = next(_names)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    _put(kinesis, name, "a", "b")
    yield name
    kinesis.delete_stream(StreamName=name)


def _put(kinesis: Any, stream: str, *texts: str, at: str = LOW) -> list[str]:
    """Put records one after the other; the shard of each."""
    return [
        kinesis.put_record(
            StreamName=stream, Data=text.encode(), PartitionKey="k", ExplicitHashKey=at
        )["ShardId"]
        for text in texts
    ]


def _split(kinesis: Any, stream: str, shard: str = FIRST, at: int = HALF) -> None:
    kinesis.split_shard(StreamName=stream, ShardToSplit=shard, NewStartingHashKey=str(at))


def _shards(kinesis: Any, stream: str, **chosen: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kinesis.list_shards(StreamName=stream, **chosen)["Shards"]
    return found


def _open(kinesis: Any, stream: str) -> list[str]:
    return [s["ShardId"] for s in _shards(kinesis, stream, ShardFilter={"Type": "AT_LATEST"})]


def _iterator(kinesis: Any, stream: str, shard: str) -> str:
    start = {"ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    return str(kinesis.get_shard_iterator(StreamName=stream, **start)["ShardIterator"])


def _texts(page: dict[str, Any]) -> list[str]:
    return [record["Data"].decode() for record in page["Records"]]


def test_a_split_shard_is_listed_as_closed_and_serves_its_records_to_their_end(
    kinesis: Any, stream: str
) -> None:
    before = _iterator(kinesis, stream, FIRST)
    _split(kinesis, stream)
    parent, *children = _shards(kinesis, stream)
    ended = int(parent["SequenceNumberRange"]["EndingSequenceNumber"])
    starts = [int(c["SequenceNumberRange"]["StartingSequenceNumber"]) for c in children]
    assert parent["ShardId"] == FIRST and all(ended < start for start in starts)
    for iterator in (before, _iterator(kinesis, stream, FIRST)):
        page = kinesis.get_records(ShardIterator=iterator, Limit=1)
        assert _texts(page) == ["a"] and "ChildShards" not in page
        page = kinesis.get_records(ShardIterator=page["NextShardIterator"])
        assert _texts(page) == ["b"]
        assert page.get("NextShardIterator") is None
        assert page["MillisBehindLatest"] == 0
        assert page["ChildShards"] == [
            {k: v for k, v in (*child.items(), ("ParentShards", [FIRST])) if k in CHILD}
            for child in children
        ]


CHILD = ("ShardId", "HashKeyRange", "ParentShards")


def test_new_records_go_to_open_shards_and_a_merge_closes_both(kinesis: Any, stream: str) -> None:
    _split(kinesis, stream)
    low, high = _open(kinesis, stream)
    assert _put(kinesis, stream, "c") + _put(kinesis, stream, "d", at=HIGH) == [low, high]
    kinesis.merge_shards(StreamName=stream, ShardToMerge=low, AdjacentShardToMerge=high)
    (merged,) = _open(kinesis, stream)
    assert _put(kinesis, stream, "e") + _put(kinesis, stream, "f", at=HIGH) == [merged, merged]
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 1
    last = _shards(kinesis, stream)[-1]
    assert (last["ParentShardId"], last["AdjacentParentShardId"]) == (low, high)
    found = {
        shard["ShardId"]: _texts(
            kinesis.get_records(ShardIterator=_iterator(kinesis, stream, shard["ShardId"]))
        )
        for shard in _shards(kinesis, stream)
    }
    assert found == {FIRST: ["a", "b"], low: ["c"], high: ["d"], merged: ["e", "f"]}


def test_more_shards_by_their_number_lose_nothing(kinesis: Any, stream: str) -> None:
    kinesis.update_shard_count(StreamName=stream, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    assert len(_open(kinesis, stream)) == 2
    page = kinesis.get_records(ShardIterator=_iterator(kinesis, stream, FIRST))
    assert _texts(page) == ["a", "b"]
    with pytest.raises(ClientError, match="half to twice as many"):
        kinesis.update_shard_count(
            StreamName=stream, TargetShardCount=5, ScalingType="UNIFORM_SCALING"
        )


def test_what_cannot_be_split_or_merged_is_refused(kinesis: Any, stream: str) -> None:
    _split(kinesis, stream)
    low, high = _open(kinesis, stream)
    _split(kinesis, stream, low, HALF // 2)
    first = _open(kinesis, stream)[1]  # the others are the low half, split
    with pytest.raises(ClientError, match="already been merged or split"):
        _split(kinesis, stream)
    with pytest.raises(ClientError, match="not both greater than one plus"):
        _split(kinesis, stream, high, HALF)
    with pytest.raises(ClientError, match="not an adjacent pair"):
        kinesis.merge_shards(StreamName=stream, ShardToMerge=high, AdjacentShardToMerge=first)
    with pytest.raises(ClientError, match="Could not find shard"):
        _split(kinesis, stream, "shardId-000000000099")


# Appends the texts of each call to a file.
HANDLER = """
import base64
def handler(event, context):
    with open({file!r}, "a") as file:
        for record in event["Records"]:
            file.write(base64.b64decode(record["kinesis"]["data"]).decode() + "\\n")
"""


def test_a_function_reads_a_split_shard_to_its_end_and_then_its_children_from_their_start(
    client: Client, kinesis: Any, stream: str, tmp_path: Path
) -> None:
    """Records of the parent that are many calls long, and children with records before them."""
    lambda_, called = client("lambda"), tmp_path / "called"
    _put(kinesis, stream, *(f"p{n}" for n in range(30)))
    _split(kinesis, stream)
    _put(kinesis, stream, "low")
    _put(kinesis, stream, "high", at=HIGH)
    lambda_.create_function(
        FunctionName=stream,
        Runtime="python3.12",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": zipped(HANDLER.format(file=str(called)))},
        Timeout=60,
    )
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    mapping = lambda_.create_event_source_mapping(
        FunctionName=stream,
        EventSourceArn=arn["StreamARN"],
        StartingPosition="TRIM_HORIZON",
        BatchSize=10,
    )["UUID"]

    def seen() -> list[str]:
        return called.read_text().split() if called.exists() else []

    parent = ["a", "b", *(f"p{n}" for n in range(30))]
    wait_until(lambda: len(seen()) >= len(parent) + 2, 60, lambda: f"{seen()}")
    assert seen()[: len(parent)] == parent
    assert sorted(seen()[len(parent) :]) == ["high", "low"]
    _split(kinesis, stream, _open(kinesis, stream)[0], HALF // 2)
    _put(kinesis, stream, "after")  # before the mapping has seen the new shards
    wait_until(lambda: "after" in seen(), 60, lambda: f"{seen()}")
    assert len(seen()) == len(parent) + 3
    lambda_.delete_event_source_mapping(UUID=mapping)
    lambda_.delete_function(FunctionName=stream)


EXPIRED = """
import time
from ministack.services import kinesis
from sdpctl.local.launcher import shards

shards.replace()
kinesis._create_stream({"StreamName": "s", "ShardCount": 1})
first = "shardId-000000000000"
half = {"StreamName": "s", "ShardToSplit": first, "NewStartingHashKey": str(2**127)}
assert kinesis._split_shard(half)[0] == 200
listed = kinesis._streams["s"]["shards"]
shards.drop_expired(time.time() + 24 * 3600 - 1)
assert kinesis._streams["s"]["shards"] is listed
shards.drop_expired(time.time() + 24 * 3600 + 1)
assert list(kinesis._streams["s"]["shards"]) == ["shardId-000000000001", "shardId-000000000002"]
"""


def test_a_closed_shard_is_gone_once_the_stream_keeps_none_of_its_records(
    settings: Settings,
) -> None:
    python = settings.python("emulator")
    done = subprocess.run([python, "-c", EXPIRED], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
