"""PutRecords: only what failed is sent again, within a limited time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from lambdas.adapters.kinesis import KinesisStream, open_shards
from lambdas.ports.stream import Entry, Unconfirmed

Failing = dict[str, str]


@dataclass
class Scripted:
    """Kinesis by script: per call the keys that fail, or an error to raise; then all is stored."""

    script: list[Failing | Exception]
    calls: list[list[str]] = field(default_factory=list)

    def put_records(self, *, StreamName: str, Records: Sequence[dict[str, Any]]) -> dict[str, Any]:
        keys = [record["PartitionKey"] for record in Records]
        self.calls.append(keys)
        step = self.script.pop(0) if self.script else {}
        if isinstance(step, Exception):
            raise step
        results = [{"ErrorCode": step[k]} if k in step else {"ShardId": "s"} for k in keys]
        return {"FailedRecordCount": len(step), "Records": results}


class Watch:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def put(client: Scripted, entries: Sequence[Entry], watch: Watch | None = None) -> list[str | None]:
    watch = watch or Watch()
    stream = KinesisStream(
        client,  # type: ignore[arg-type]
        sleep=watch.sleep,
        monotonic=lambda: watch.now,
        jitter=lambda: 1.0,
    )
    return stream.put("s", entries)


def entries(*keys: str) -> list[Entry]:
    return [Entry(key, b"{}") for key in keys]


THROTTLED = "ProvisionedThroughputExceededException"


def test_only_failed_entries_are_sent_again() -> None:
    client = Scripted([{"b": THROTTLED, "c": "InternalFailure"}, {"c": "InternalFailure"}])
    assert put(client, entries("a", "b", "c")) == [None, None, None]
    assert client.calls == [["a", "b", "c"], ["b", "c"], ["c"]]


def test_something_may_be_done_before_each_attempt_to_store_and_counts_as_time() -> None:
    client, watch, done = Scripted([{"a": THROTTLED}] * 100), Watch(), list[int]()

    def before() -> None:
        done.append(len(client.calls))
        watch.now += 2

    stream = KinesisStream(
        client,  # type: ignore[arg-type]
        before=before,
        sleep=watch.sleep,
        monotonic=lambda: watch.now,
        jitter=lambda: 1.0,
    )
    assert stream.put("s", entries("a")) == [THROTTLED]
    assert done == [0, 1, 2, 3]
    assert len(client.calls) == 3  # the last time there was none left


def test_what_still_fails_when_time_is_up_is_reported() -> None:
    client, watch = Scripted([{"b": THROTTLED}] * 100), Watch()
    assert put(client, entries("a", "b"), watch) == [None, THROTTLED]
    assert 3 < watch.now < 5
    assert client.calls[1:] == [["b"]] * (len(client.calls) - 1)


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "LimitExceededException"}}, "PutRecords"),
        ReadTimeoutError(endpoint_url="http://127.0.0.1"),
    ],
)
def test_a_call_that_failed_is_repeated(error: Exception) -> None:
    client = Scripted([error])
    assert put(client, entries("a")) == [None]
    assert len(client.calls) == 2


def test_what_cannot_be_mended_by_repeating_is_not_repeated() -> None:
    missing = ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "PutRecords")
    client = Scripted([missing])
    assert put(client, entries("a")) == ["ResourceNotFoundException"]
    assert len(client.calls) == 1


class Refusing(Scripted):
    """Kinesis that refuses a whole call for one of its keys, as it does."""

    def put_records(self, *, StreamName: str, Records: Sequence[dict[str, Any]]) -> dict[str, Any]:
        if any(record["PartitionKey"] == "bad" for record in Records):
            self.calls.append([record["PartitionKey"] for record in Records])
            raise ClientError({"Error": {"Code": "ValidationException"}}, "PutRecords")
        return super().put_records(StreamName=StreamName, Records=Records)


def test_a_record_that_kinesis_refuses_takes_no_other_with_it() -> None:
    client = Refusing([])
    keys = ["a", "bad", "c", "d", "e", "bad"]
    refused = "ValidationException"
    assert put(client, entries(*keys)) == [None, refused, None, None, None, refused]
    stored = [call for call in client.calls if "bad" not in call]
    assert sorted(key for call in stored for key in call) == ["a", "c", "d", "e"]


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("", "-"),
        ("k" * 256, "k" * 256),
        ("\U0001f600" * 256, "\U0001f600" * 256),
        # What Java's UUID.nameUUIDFromBytes makes of it: the connector sends the same.
        ("k" * 257, "da1a1fa6-b104-3487-9eef-9b2a6715a145"),
    ],
)
def test_a_key_that_kinesis_does_not_take_is_replaced_by_one_that_is_as_equal(
    key: str, sent: str
) -> None:
    client = Scripted([])
    assert put(client, [Entry(key, b"{}"), Entry("other", b"{}")]) == [None, None]
    assert client.calls == [[sent, "other"]]


def test_calls_hold_at_most_500_records() -> None:
    client = Scripted([])
    assert put(client, entries(*map(str, range(1001)))) == [None] * 1001
    assert [len(keys) for keys in client.calls] == [500, 500, 1]


def test_calls_hold_at_most_five_megabytes() -> None:
    client = Scripted([])
    put(client, [Entry("a", b"x" * 2_000_000)] * 5)
    assert [len(keys) for keys in client.calls] == [2, 2, 1]


def test_nothing_to_put_is_no_call() -> None:
    client = Scripted([])
    assert put(client, []) == []
    assert client.calls == []


def test_a_hash_key_picks_the_shard(aws: None) -> None:
    client = boto3.client("kinesis")
    client.create_stream(StreamName="s", ShardCount=4)
    keys = list(open_shards(client, "s"))
    assert len(set(keys)) == 4
    assert KinesisStream(client).put("s", [Entry("k", b"{}", k) for k in keys]) == [None] * 4
    for shard in client.list_shards(StreamName="s")["Shards"]:
        query = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = client.get_shard_iterator(StreamName="s", **query)["ShardIterator"]  # type: ignore[arg-type]
        assert len(client.get_records(ShardIterator=iterator)["Records"]) == 1


class Paged:
    """ListShards in two pages, one shard of them closed."""

    def list_shards(self, **query: str) -> dict[str, Any]:
        if query == {"NextToken": "more"}:
            return {"Shards": [_shard("9")]}
        assert query["StreamName"] == "s"
        return {"Shards": [_shard("0"), _shard("5", EndingSequenceNumber="7")], "NextToken": "more"}


def _shard(start: str, **sequence: str) -> dict[str, Any]:
    return {"HashKeyRange": {"StartingHashKey": start}, "SequenceNumberRange": sequence}


def test_open_shards_are_listed_over_all_pages() -> None:
    assert list(open_shards(Paged(), "s")) == ["0", "9"]  # type: ignore[arg-type]


def _fault(code: str, status: int) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutRecords")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("script", "may_be_stored"),
    [
        ([ReadTimeoutError(endpoint_url="http://127.0.0.1")] * 100, True),
        ([_fault("InternalFailure", 500)] * 100, True),
        ([{"a": "InternalFailure"}] * 100, True),
        ([ReadTimeoutError(endpoint_url="http://127.0.0.1"), *[{"a": THROTTLED}] * 100], True),
        ([{"a": THROTTLED}] * 100, False),
        ([_fault("ResourceNotFoundException", 400)], False),
        ([EndpointConnectionError(endpoint_url="http://127.0.0.1")] * 100, False),
    ],
)
def test_what_may_be_stored_all_the_same_is_unconfirmed(
    script: list[Failing | Exception], may_be_stored: bool
) -> None:
    (reason,) = put(Scripted(script), entries("a"))
    assert reason is not None
    assert isinstance(reason, Unconfirmed) is may_be_stored


def test_a_call_that_was_not_answered_and_then_stored_is_confirmed() -> None:
    timeout = ReadTimeoutError(endpoint_url="http://127.0.0.1")
    assert put(Scripted([timeout, {}]), entries("a")) == [None]
