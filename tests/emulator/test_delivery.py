"""The delivery's process against the emulator: killed in every batch, each record is there once."""

from __future__ import annotations

import gzip
import io
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import psutil
import pyarrow.parquet as pq
import pytest

from bench.delivery import BUCKET, NAME, create, put
from sdpctl.local.delivery import service
from sdpctl.local.delivery.journal import Journal
from sdpctl.settings import Settings
from tests.emulator.conftest import Client

POISON = b"\x00 nothing that Parquet could take"
ROUNDS, RECORDS = 6, 2_000


@pytest.fixture
def delivered(settings: Settings) -> Iterator[Settings]:
    """An emulator with a delivery stream that gathers for a second."""
    create(settings, interval=1)
    yield settings
    service.service(settings).kill()


def _event(number: int) -> bytes:
    return orjson.dumps({"type": "bid", "event_id": f"e-{number}", "tx_id": f"t-{number}"})


def _bodies(s3: Any, prefix: str) -> Iterator[bytes]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        for one in page.get("Contents", []):
            yield s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()


def _rows(s3: Any) -> Counter[str]:
    files = (pq.read_table(io.BytesIO(body)) for body in _bodies(s3, "parquet/"))
    return Counter(e for f in files for e in f["event_id"].to_pylist())


def _kill(settings: Settings) -> None:
    process = service.service(settings).process()
    assert process
    process.kill()
    psutil.wait_procs([process], timeout=10)


def _await_batch(settings: Settings) -> None:
    """Until a batch is begun whose objects are not all put."""
    path, deadline = settings.home / "delivery" / f"{NAME}.json", time.monotonic() + 60
    while not Journal.open(path).begun:
        assert time.monotonic() < deadline, service.states(settings)
        time.sleep(0.001)


def _await(settings: Settings, records: int, s3: Any) -> None:
    deadline = time.monotonic() + 120
    while sum(_rows(s3).values()) < records:
        assert time.monotonic() < deadline, service.states(settings)
        time.sleep(0.3)


def test_killed_again_and_again_every_record_is_there_once(
    delivered: Settings, client: Client
) -> None:
    kinesis, s3 = client("kinesis"), client("s3")
    for number in range(ROUNDS):
        service.start(delivered)
        data = [_event(n) for n in range(number * RECORDS, (number + 1) * RECORDS)]
        for start in range(0, RECORDS, 500):
            put(kinesis, data[start : start + 500])
        put(kinesis, [POISON])
        _await_batch(delivered)
        time.sleep(number * 0.02)  # while it converts, puts one object or the other
        _kill(delivered)
    service.start(delivered)
    _await(delivered, ROUNDS * RECORDS, s3)
    assert _rows(s3) == Counter(f"e-{n}" for n in range(ROUNDS * RECORDS))
    raw = Counter(
        line for body in _bodies(s3, "raw/") for line in gzip.decompress(body).split(b"\n")
    )
    assert raw[POISON] == ROUNDS
    assert sum(raw.values()) - raw[b""] == ROUNDS * (RECORDS + 1)
    errors = [orjson.loads(line) for body in _bodies(s3, "errors/") for line in body.splitlines()]
    assert len({e["sequenceNumber"] for e in errors}) == len(errors) == ROUNDS
    assert service.states(delivered)[NAME]["error"] == ""
