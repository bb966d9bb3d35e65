"""The packaged connector against the emulator: everything written comes back, poison included."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sdpctl.local.processes import free_port

ROOT = Path(__file__).parents[2]
JAR = ROOT / "analytics_app" / "jvm" / "target" / "sdp.jar"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an emulator of our own, which ends with the tests."""
    port = free_port()
    folder = tmp_path_factory.mktemp("emulator")
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_PORT": str(free_port()),
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(folder / "state"),
    }
    with (folder / "log").open("w") as log:
        emulator = subprocess.Popen(
            [ROOT / ".venv/emulator/bin/ministack"],
            env=os.environ | settings,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        emulator.send_signal(signal.SIGTERM)
        emulator.wait(timeout=30)


@pytest.fixture(scope="module")
def kinesis(endpoint: str) -> Any:
    """A client of the emulator with one stream of three shards and one record that is no JSON."""
    client = boto3.client(
        "kinesis",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        # The first call waits for the emulator to listen.
        config=Config(retries={"max_attempts": 10, "mode": "standard"}),
    )
    client.create_stream(StreamName="connector", ShardCount=3)
    client.get_waiter("stream_exists").wait(StreamName="connector")
    client.put_record(StreamName="connector", Data=b"not json", PartitionKey="poison")
    return client


@pytest.fixture(scope="module")
def rows(endpoint: str, kinesis: Any) -> list[list[Any]]:
    """What the job reads back: k, v, shard, sequence number, arrival, partition key, bytes."""
    python = ROOT / ".venv/flink/bin/python"
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [python, Path(__file__).with_name("job.py"), JAR],
        env=os.environ | CREDENTIALS | {"AWS_ENDPOINT_URL": endpoint, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


def test_every_row_that_was_written_is_read_back_once(rows: list[list[Any]]) -> None:
    """300 rows over three shards, the bounded reading ends by itself."""
    assert sorted(row[1] for row in rows if row[0] is not None) == list(range(300))


def test_the_partition_key_is_the_column_of_partitioned_by(rows: list[list[Any]]) -> None:
    """And so the rows of one key are in one shard, in the same one as their key."""
    read = [row for row in rows if row[0] is not None]
    assert all(row[0] == row[5] for row in read)
    assert len({(row[0], row[2]) for row in read}) == 10


def test_a_record_that_is_no_json_is_a_row_with_its_bytes(rows: list[list[Any]]) -> None:
    """Columns null, metadata set."""
    [poison] = [row for row in rows if row[0] is None]
    assert poison[1] is None
    assert poison[5:] == ["poison", "not json"]


def test_the_metadata_names_the_record(rows: list[list[Any]], kinesis: Any) -> None:
    """Shards are the stream's, sequence numbers differ, arrival is a time of today."""
    shards = {s["ShardId"] for s in kinesis.list_shards(StreamName="connector")["Shards"]}
    assert {row[2] for row in rows} == shards
    assert len({(row[2], row[3]) for row in rows}) == 301
    described = kinesis.describe_stream_summary(StreamName="connector")
    created = described["StreamDescriptionSummary"]["StreamCreationTimestamp"]
    arrived = [datetime.fromisoformat(row[4]).replace(tzinfo=UTC) for row in rows]
    assert all(timedelta(seconds=-1) <= at - created < timedelta(hours=1) for at in arrived)
