"""The emulator is ended while functions are called: what it holds is saved, and soon."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.local import aws, emulator
from sdpctl.settings import Settings
from tests.emulator.archives import zipped
from tests.local.driver import wait_until

# Each call leaves a file and then takes as long as its function may.
HANDLER = """
import pathlib, time
def handler(event, context):
    pathlib.Path(event["file"]).touch()
    time.sleep(900)
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Settings]:
    """An emulator of this test alone."""
    with emulator.alone(tmp_path) as settings:
        yield settings


def test_calls_that_run_do_not_keep_it_from_saving_what_it_holds(
    own: Settings, tmp_path: Path
) -> None:
    _function(own)
    aws.client(own, "kinesis").create_stream(StreamName="kept", ShardCount=1)
    files = [tmp_path / f"call-{n}" for n in range(4)]
    with ThreadPoolExecutor(len(files)) as pool:
        calls = [pool.submit(_call, own, file) for file in files]
        wait_until(lambda: all(f.exists() for f in files), 120, lambda: "all of them run")
        process = emulator.service(own).process()
        assert process
        started = process.children(recursive=True)
        assert emulator.stop(own)
        for call in calls:
            call.result()
    assert not [p for p in started if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    emulator.start(own)
    assert aws.client(own, "kinesis").list_streams()["StreamNames"] == ["kept"]


def _call(settings: Settings, file: Path) -> None:
    """Until the emulator ends."""
    once = Config(read_timeout=600, retries={"total_max_attempts": 1})
    lambda_ = boto3.client(
        "lambda",
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=once,
    )
    with suppress(BotoCoreError, ClientError):
        lambda_.invoke(FunctionName="long", Payload=f'{{"file": "{file}"}}')


def _function(settings: Settings) -> None:
    aws.client(settings, "lambda").create_function(
        FunctionName="long",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/function",
        Handler="index.handler",
        Code={"ZipFile": zipped(HANDLER)},
        Timeout=900,
    )
