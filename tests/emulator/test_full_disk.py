"""A disk that is full: what is accepted is saved, and what cannot be saved is refused."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from fastapi.testclient import TestClient
from httpx import Response

import usecases
from lambdas.adapters.kinesis import KinesisStream
from lambdas.ingest.app import create_app
from lambdas.ingest.handler import DeployedStreams
from lambdas.settings import Settings as FunctionSettings
from sdpctl import clock
from sdpctl.errors import CommandError
from sdpctl.local import emulator
from sdpctl.settings import Settings
from tests import streams
from tests.emulator.test_ending import own as own  # an emulator of this test alone
from tests.local.driver import wait_until

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
    states = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}, "Comment": "x" * 500_000}
    _client(own, "stepfunctions").create_state_machine(
        name="large", definition=json.dumps(states), roleArn="arn:aws:iam::000000000000:role/states"
    )
    _largest_file(own, 100_000)  # the log is smaller
    with pytest.raises(CommandError, match=r"could not save .*stepfunctions.*: changes since"):
        emulator.stop(own)


def test_records_that_could_not_be_saved_at_the_end_are_in_the_journal(own: Settings) -> None:
    kinesis = _client(own, "kinesis")
    kinesis.create_stream(StreamName="events", ShardCount=1)
    kinesis.put_record(StreamName="events", Data=b"x" * 500_000, PartitionKey="k")
    _largest_file(own, 100_000)
    emulator.stop(own)
    emulator.start(own)
    assert [len(record["Data"]) for record in streams.records(kinesis, "events")] == [500_000]


# Python imports it at its start: the disk is full while the file FULL_DISK exists.
SITE = """
import os, shutil
from collections import namedtuple

found, usage = shutil.disk_usage, namedtuple("usage", "total used free")
full = lambda: os.path.exists(os.environ["FULL_DISK"])
shutil.disk_usage = lambda path: usage(1, 1, 0) if full() else found(path)
"""


@dataclass(frozen=True)
class Door:
    """Ingestion before an emulator whose disk can be filled."""

    http: TestClient
    kinesis: Any
    full: Path

    def send(self, *ids: str) -> Response:
        """POST clicks, each with its id."""
        clicks = [{"type": "click", "event_id": i, "tx_id": i} for i in ids]
        return self.http.post("/events", json=clicks)

    def stored(self) -> list[str]:
        """The ids of all events in the stream."""
        return sorted(row["event_id"] for row in streams.rows(self.kinesis, "bcns"))


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    (tmp_path / "sitecustomize.py").write_text(SITE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("FULL_DISK", str(tmp_path / "full"))
    with emulator.alone(tmp_path / "home") as settings:
        kinesis = _client(settings, "kinesis")
        kinesis.create_stream(StreamName="bcns", ShardCount=1)
        deployed = FunctionSettings(streams={"adtech/bcns": "bcns"})
        stream = DeployedStreams(KinesisStream(kinesis, budget_seconds=0), deployed)
        app = create_app(catalog=usecases.load(), stream=stream, clock=clock.now)
        yield Door(TestClient(app), kinesis, tmp_path / "full")


def test_ingestion_is_503_while_the_disk_is_full_and_goes_on_by_itself(door: Door) -> None:
    assert door.send("a", "b").status_code == 202
    door.full.touch()
    answers: list[Response] = []

    def refused() -> bool:
        answers.append(door.send(f"c-{len(answers)}"))
        return answers[-1].status_code == 503

    wait_until(refused, 60, lambda: answers[-1].text)
    assert answers[-1].headers["retry-after"] == "1"
    body = answers[-1].json()
    assert (body["accepted"], body["rejected"]) == (0, 1)
    error = {"code": "unavailable", "field": ""}
    assert body["results"][0]["error"].items() >= error.items()
    before = [f"c-{n}" for n in range(len(answers) - 1)]
    assert door.stored() == sorted(["a", "b", *before])
    door.full.unlink()
    again = f"c-{len(answers) - 1}"
    wait_until(lambda: door.send(again).status_code == 202, 60, lambda: "it goes on")
    assert door.stored() == sorted(["a", "b", *before, again])
