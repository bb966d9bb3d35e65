"""A Kinesis event in, the records to deliver again out."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from lambdas.adapters.dynamodb import DynamoStore
from lambdas.persist import handler
from lambdas.persist.stream import StreamRecord
from tests.unit.lambdas.made_up import CATALOG, PROGRESS_TABLE, TABLES

STREAMS = {f"factory/{s}": f"t-{s}" for s in ("aggregates", "progress", "dead-letters")}


class Context:
    """A Lambda context with a minute left, and less at each call."""

    function_name = "persist"

    def __init__(self, left_ms: int = 60_000) -> None:
        self.left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, store: DynamoStore) -> Iterator[None]:
    monkeypatch.setenv("SDP_STREAMS", json.dumps(STREAMS))
    monkeypatch.setenv("SDP_TABLES", json.dumps(TABLES))
    monkeypatch.setenv("SDP_PROGRESS_TABLE", PROGRESS_TABLE)
    monkeypatch.setattr(handler.usecases, "load", lambda names: CATALOG)
    boto3.client("kinesis").create_stream(StreamName="t-dead-letters", ShardCount=1)
    handler.bootstrap.cache_clear()
    yield
    handler.bootstrap.cache_clear()


def event(stream: str, *contents: bytes) -> dict[str, Any]:
    return {
        "Records": [
            {
                "kinesis": {
                    "partitionKey": "k",
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(content).decode(),
                    "approximateArrivalTimestamp": 1772359200.5,
                },
                "eventID": f"shardId-000000000003:{number}",
                "eventSource": "aws:kinesis",
                "eventSourceARN": f"arn:aws:kinesis:us-east-1:000000000000:stream/{stream}",
            }
            for number, content in enumerate(contents, start=7)
        ]
    }


ROW = b'{"site":5,"period":300,"readings":2,"version":2,"generation":0}'


def test_rows_are_stored_and_poison_is_buried_where_it_came_from_is_told(
    environment: None, store: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler.clock, "now", lambda: datetime(2026, 3, 1, 10, 0, 7, tzinfo=UTC))
    answer = handler.handler(event("t-aggregates", ROW, b"\xff"), Context())  # type: ignore[arg-type]
    assert answer == {"batchItemFailures": []}
    item = store.get("t-sites", {"site": {"N": "5"}, "period": {"N": "300"}})
    assert item is not None
    assert item["readings"] == {"N": "2"}
    [letter] = letters()
    assert base64.b64decode(letter["payload"]) == b"\xff"
    assert letter["failed_at"] == "2026-03-01T10:00:07.000Z"
    source = {"stream": "t-aggregates", "shard": "shardId-000000000003", "sequence_number": "8"}
    assert letter["source"] == source


def test_dead_letters_are_counted_as_a_metric(
    environment: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for contents in ((ROW, b"\xff", b"no json"), (ROW,)):
        handler.handler(event("t-aggregates", *contents), Context())  # type: ignore[arg-type]
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [m["DeadLetters"] for m in printed if "DeadLetters" in m] == [[2.0], [0.0]]


def letters() -> list[dict[str, Any]]:
    client = boto3.client("kinesis")
    [shard] = client.list_shards(StreamName="t-dead-letters")["Shards"]
    position = client.get_shard_iterator(
        StreamName="t-dead-letters", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    records = client.get_records(ShardIterator=position["ShardIterator"])["Records"]
    return [json.loads(r["Data"]) for r in records]


def test_progress_is_told_apart_by_the_stream_it_came_from(
    environment: None, store: DynamoStore
) -> None:
    progress = {
        "use_case": "factory",
        "watermark": "2026-03-01T09:00:00.000Z",
        "heartbeat_at": "2026-03-01T09:00:05.000Z",
    }
    handler.handler(event("t-progress", json.dumps(progress).encode()), Context())  # type: ignore[arg-type]
    item = store.get(PROGRESS_TABLE, {"use_case": {"S": "factory"}})
    assert item is not None
    assert item["watermark"] == {"N": "1772355600000"}


def failing(*numbers: str) -> Callable[..., set[str]]:
    def persist(records: list[StreamRecord], again: Callable[[int], bool]) -> set[str]:
        assert not again(1)
        return set(numbers)

    return persist


def test_only_what_is_undone_is_delivered_again() -> None:
    names = {name: key for key, name in STREAMS.items()}
    handle = handler.Handler(failing("8"), names)  # type: ignore[arg-type]
    answer = handle(event("t-aggregates", ROW, ROW), Context(5_000))  # type: ignore[arg-type]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "8"}]}


def test_a_batch_of_which_nothing_was_done_fails() -> None:
    names = {name: key for key, name in STREAMS.items()}
    handle = handler.Handler(failing("7", "8"), names)  # type: ignore[arg-type]
    with pytest.raises(BatchProcessingError):
        handle(event("t-aggregates", ROW, ROW), Context(5_000))  # type: ignore[arg-type]
