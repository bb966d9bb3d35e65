"""A disk that is full: what is accepted is saved, and what cannot be saved is refused."""

from __future__ import annotations

import os
import resource
import subprocess
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sdpctl.errors import CommandError
from sdpctl.local import emulator
from sdpctl.settings import Settings
from tests.emulator.test_ending import own as own  # an emulator of this test alone

FULL = """
import asyncio, json, shutil
from collections import namedtuple
from ministack.services import kinesis, s3
from sdpctl.local.launcher import disk, kinesis as ours

disk.EVERY = 0
usage = namedtuple("usage", "free")
disk.replace()
ours.replace()


def space(free):
    shutil.disk_usage = lambda _: usage(free)


def call(method, path, body=b"", query=None):
    return asyncio.run(s3.handle_request(method, path, {"host": "x"}, body, query or {}))[0]


def put(*data):
    records = [{"Data": d, "PartitionKey": "k"} for d in data]
    return json.loads(kinesis._put_records({"StreamName": "s", "Records": records})[2])


space(10**12)
kinesis._create_stream({"StreamName": "s", "ShardCount": 1})
assert call("PUT", "/bbb") == 200
assert call("PUT", "/bbb/one", b"1") == 200
assert put("e30=")["FailedRecordCount"] == 0
space(1)
assert call("PUT", "/bbb/two", b"2") == 503
assert call("GET", "/bbb/one") == 200
delete = b"<Delete><Object><Key>one</Key></Object></Delete>"
assert call("POST", "/bbb", delete, {"delete": [""]}) == 200
refused = put("e30=", "e30=")
assert refused["FailedRecordCount"] == 2
assert {r["ErrorCode"] for r in refused["Records"]} == {"InternalFailure"}
assert "is full" in refused["Records"][0]["ErrorMessage"]
assert kinesis._put_record({"StreamName": "s", "Data": "e30=", "PartitionKey": "k"})[0] == 500
space(10**12)
assert call("PUT", "/bbb/two", b"2") == 200
assert put("e30=")["FailedRecordCount"] == 0
shard = kinesis._streams["s"]["shards"]["shardId-000000000000"]
assert len(shard["records"]) == 2
"""


def test_while_the_disk_is_full_writes_are_refused_and_reads_and_deletions_go_on(
    settings: Settings,
) -> None:
    done = subprocess.run(
        [settings.python("emulator"), "-c", FULL],
        cwd=settings.root,
        env={**os.environ, "PYTHONPATH": str(settings.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _client(settings: Settings, service: str) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def _largest_file(settings: Settings, size: int) -> None:
    """From now on the emulator can write no file of more bytes: its writes fail."""
    process = emulator.service(settings).process()
    assert process
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_an_object_that_could_not_be_written_is_no_success(own: Settings) -> None:
    s3 = _client(own, "s3")
    s3.create_bucket(Bucket="lake")
    _largest_file(own, 100_000)
    with pytest.raises(ClientError, match="not written to the disk: lake/part-1") as refused:
        s3.put_object(Bucket="lake", Key="part-1", Body=b"x" * 1_000_000)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    _largest_file(own, resource.RLIM_INFINITY)
    s3.put_object(Bucket="lake", Key="part-1", Body=b"x" * 1_000_000)
    emulator.stop(own)
    emulator.start(own)
    assert s3.head_object(Bucket="lake", Key="part-1")["ContentLength"] == 1_000_000


def test_what_could_not_be_saved_at_the_end_is_an_error(own: Settings) -> None:
    kinesis = _client(own, "kinesis")
    kinesis.create_stream(StreamName="events", ShardCount=1)
    kinesis.put_record(StreamName="events", Data=b"x" * 500_000, PartitionKey="k")
    _largest_file(own, 100_000)  # the log is smaller
    with pytest.raises(CommandError, match=r"could not save .*kinesis.*: changes since its start"):
        emulator.stop(own)
