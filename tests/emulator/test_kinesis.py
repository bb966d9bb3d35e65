"""Kinesis' limits, which the emulator itself has only in part."""

from __future__ import annotations

import base64
import itertools
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sdpctl.local import aws
from sdpctl.settings import Settings
from tests import streams

MIB = 1024 * 1024
THROTTLED = "ProvisionedThroughputExceededException"
_names = (f"limits-{n}" for n in itertools.count())


@pytest.fixture(scope="module")
def kinesis(settings: Settings) -> Any:
    """A client that does not retry."""
    return boto3.client(
        "kinesis",
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
    )


@pytest.fixture
def stream(kinesis: Any) -> Iterator[str]:
    """A stream of one shard."""
    name = next(_names)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    yield name
    kinesis.delete_stream(StreamName=name)


@pytest.fixture
def on_demand(kinesis: Any) -> Iterator[str]:
    name = next(_names)
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    yield name
    kinesis.delete_stream(StreamName=name)


def _iterator(kinesis: Any, stream: str) -> str:
    shard = kinesis.list_shards(StreamName=stream)["Shards"][0]["ShardId"]
    start = {"ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    return str(kinesis.get_shard_iterator(StreamName=stream, **start)["ShardIterator"])


def _all(kinesis: Any, stream: str) -> list[str]:
    return [record["PartitionKey"] for record in streams.records(kinesis, stream)]


def _codes(calls: Callable[[], Any], seconds: float = 60) -> Iterator[str]:
    """The codes of calls that are made at the same time, until one fails."""

    def code(_: int) -> str:
        try:
            calls()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    deadline = time.monotonic() + seconds
    with ThreadPoolExecutor(16) as pool:
        while time.monotonic() < deadline:
            codes = list(pool.map(code, range(16)))
            yield from codes
            if any(codes):
                return


def test_a_shard_does_not_answer_a_sixth_read_in_a_second(kinesis: Any, stream: str) -> None:
    iterator = _iterator(kinesis, stream)
    codes = list(_codes(lambda: kinesis.get_records(ShardIterator=iterator)))
    assert set(codes) == {"", THROTTLED}
    assert codes.count("") >= 5


def test_a_shard_refuses_records_that_are_too_many_each_by_itself(
    kinesis: Any, stream: str
) -> None:
    stored, failed, number = list[str](), list[dict[str, Any]](), itertools.count()
    while not failed:
        records = [{"Data": b"{}", "PartitionKey": str(next(number))} for _ in range(500)]
        answer = kinesis.put_records(StreamName=stream, Records=records)
        results = list(zip(records, answer["Records"], strict=True))
        failed = [result for _, result in results if "ErrorCode" in result]
        assert answer["FailedRecordCount"] == len(failed)
        stored += [str(r["PartitionKey"]) for r, result in results if "ErrorCode" not in result]
    assert {result["ErrorCode"] for result in failed} == {THROTTLED}
    assert "shardId-000000000000" in failed[0]["ErrorMessage"]
    assert _all(kinesis, stream) == stored


def test_a_single_record_that_is_too_many_is_an_error(kinesis: Any, stream: str) -> None:
    record = {"StreamName": stream, "Data": b"x" * (MIB - 1), "PartitionKey": "k"}
    assert THROTTLED in set(_codes(lambda: kinesis.put_record(**record)))


def test_an_on_demand_stream_has_four_shards_and_takes_what_comes(
    kinesis: Any, on_demand: str
) -> None:
    assert len(kinesis.list_shards(StreamName=on_demand)["Shards"]) == 4
    records = [{"Data": b"{}", "PartitionKey": str(n)} for n in range(500)]
    for _ in range(20):
        answer = kinesis.put_records(StreamName=on_demand, Records=records)
        assert answer["FailedRecordCount"] == 0


def test_cloudwatch_has_the_records_that_came_into_a_stream(
    settings: Settings, kinesis: Any, stream: str
) -> None:
    record = {"Data": b"{}", "PartitionKey": "k"}
    for count in (1, 500):
        kinesis.put_records(StreamName=stream, Records=[record] * count)
    kinesis.put_record(StreamName=stream, **record)
    now = datetime.now(UTC)
    metric = {
        "Namespace": "AWS/Kinesis",
        "MetricName": "IncomingRecords",
        "Dimensions": [{"Name": "StreamName", "Value": stream}],
    }
    statistic = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    answer = aws.client(settings, "cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "records", "MetricStat": statistic}],
        StartTime=now - timedelta(minutes=2),
        EndTime=now + timedelta(minutes=1),
    )
    (result,) = answer["MetricDataResults"]
    assert sum(result["Values"]) == 502


SIGNED = "AWS4-HMAC-SHA256"
RECORD = {"Data": b"{}", "PartitionKey": "k"}
REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "501 records": ([RECORD] * 501, "ValidationException"),
    "a key of 257 characters": ([RECORD, {**RECORD, "PartitionKey": "k" * 257}], "Validation"),
    "a record above 1 MiB": ([{**RECORD, "Data": b"x" * MIB}], "ValidationException"),
    "more than 10 MiB": ([{**RECORD, "Data": b"x" * (MIB - 9)}] * 11, "InvalidArgument"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_call_that_kinesis_refuses_stores_nothing(
    settings: Settings, kinesis: Any, stream: str, name: str
) -> None:
    """Sent without botocore, which here refuses some of them itself."""
    records, code = REFUSED[name]
    encoded = [{**r, "Data": base64.b64encode(r["Data"]).decode()} for r in records]
    answer = httpx.post(
        settings.endpoint,
        json={"StreamName": stream, "Records": encoded},
        headers={
            "x-amz-target": "Kinesis_20131202.PutRecords",
            "content-type": "application/x-amz-json-1.1",
            "authorization": f"{SIGNED} Credential=test/20260101/us-east-1/kinesis/aws4_request",
        },
        timeout=60,
    )
    assert (answer.status_code, code in answer.json()["__type"]) == (400, True)
    assert _all(kinesis, stream) == []


def test_a_call_takes_and_returns_at_most_ten_mebibytes(kinesis: Any, on_demand: str) -> None:
    records = [{**RECORD, "Data": b"x" * (MIB - 9)}] * 9
    for _ in range(2):
        answer = kinesis.put_records(StreamName=on_demand, Records=records)
        assert answer["FailedRecordCount"] == 0
    page = kinesis.get_records(ShardIterator=_holding(kinesis, on_demand))
    assert len(page["Records"]) == 10
    page = kinesis.get_records(ShardIterator=page["NextShardIterator"])
    assert len(page["Records"]) == 9


def _holding(kinesis: Any, stream: str) -> str:
    """An iterator of the shard that key `k` belongs to."""
    shard = kinesis.put_record(StreamName=stream, **{**RECORD, "Data": b"last"})["ShardId"]
    start = {"ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    return str(kinesis.get_shard_iterator(StreamName=stream, **start)["ShardIterator"])


RETENTION = """
import time
from ministack.services import kinesis, lambda_svc
from sdpctl.local.launcher import retention

retention.replace()
kinesis._create_stream({"StreamName": "s", "ShardCount": 1})
stream = kinesis._streams["s"]
stream["RetentionPeriodHours"] = 24
records = stream["shards"]["shardId-000000000000"]["records"]
records += [{"ApproximateArrivalTimestamp": float(hour)} for hour in range(0, 36 * 3600, 3600)]
for position in (0, 5, 20, 36):
    state = {"stream_arn": stream["StreamARN"], "shard_id": "shardId-000000000000"}
    kinesis._shard_iterators[str(position)] = {**state, "position": position}
lambda_svc._esms["m"] = {"UUID": "m", "EventSourceArn": stream["StreamARN"]}
lambda_svc._kinesis_positions["m"] = {"shardId-000000000000": 30}
kinesis._expire_records(stream)
assert len(records) == 36
retention.drop_expired(36 * 3600.0)
assert [r["ApproximateArrivalTimestamp"] / 3600 for r in records] == list(range(12, 36))
positions = {i: kinesis._shard_iterators[i]["position"] for i in kinesis._shard_iterators.keys()}
assert positions == {"0": 0, "5": 0, "20": 8, "36": 24}, positions
assert lambda_svc._kinesis_positions["m"] == {"shardId-000000000000": 18}
"""


def test_records_that_expire_move_nobody_who_reads(settings: Settings) -> None:
    python = settings.python("emulator")
    done = subprocess.run([python, "-c", RETENTION], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_sequence_number_is_one_that_the_service_takes(kinesis: Any, stream: str) -> None:
    """The model of the service has numbers without leading zeros; a client holds requests to it."""
    first, second = (
        kinesis.put_record(StreamName=stream, Data=data, PartitionKey="k")
        for data in (b"first", b"second")
    )
    assert int(first["SequenceNumber"]) < int(second["SequenceNumber"])
    iterator = kinesis.get_shard_iterator(
        StreamName=stream,
        ShardId=second["ShardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=second["SequenceNumber"],
    )["ShardIterator"]
    assert [r["Data"] for r in kinesis.get_records(ShardIterator=iterator)["Records"]] == [
        b"second"
    ]
