"""A replay by the packaged application, run by Flink over streams that were split: the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from analytics_app.package import build
from datagen import Generation
from glue.instants import parse, to_wire
from infra.topology import Topology
from sdpctl.backfill.comparing import differences
from sdpctl.backfill.computing import Lake
from sdpctl.backfill.job import Run
from sdpctl.backfill.plan import plan
from sdpctl.local.applications import Application, fetch
from sdpctl.replay.computing import Source
from sdpctl.settings import Settings
from tests.flink.test_backfill import (
    FIRST,
    GROUP,
    PARAMETERS,
    SECOND,
    SPAN,
    START,
    Store,
    generated,
    true_buckets,
)
from tests.unit.sdpctl.replay.streams import Kinesis
from tests.unit.sdpctl.replay.test_computing import letter
from usecases import load
from usecases.adtech import USE_CASE

PLAN = plan(SPAN, PARAMETERS)
PREFIX = "sdp-adtech-"
EVENTS, LETTERS, PROGRESS = (PREFIX + name for name in ("bcns", "dead-letters", "progress"))
SPLIT = START + timedelta(seconds=5)


@pytest.fixture(scope="module")
def generation() -> Generation:
    """Shuffled events with repetitions and late ones."""
    return generated()


@pytest.fixture(scope="module")
def kinesis(generation: Generation) -> Kinesis:
    """What a live job has read and published; one of two shards was split after five seconds.

    Of the late events a part is sent twice, and their letters name each.
    """
    made = Kinesis(now=START + timedelta(hours=3), page=500)
    for stream in (LETTERS, PROGRESS):
        made.shard(stream, "0")
    made.shard(EVENTS, "a")
    made.shard(EVENTS, "d", closed=True)
    made.shard(EVENTS, "b", "d")
    made.shard(EVENTS, "c", "d")
    for arrived, event in _arrivals(generation):
        number = made.put(EVENTS, _shard(event["tx_id"], arrived), arrived, _data(event))
        if parse(event["occurred_at"]) < START:
            source = _shard(event["tx_id"], arrived)
            made.put(LETTERS, "0", arrived, letter(number, shard=source))
    for bid, arrived in ((FIRST, SPLIT - timedelta(seconds=1)), (SECOND, SPLIT)):
        made.put(EVENTS, _shard("contested", arrived), arrived, _data(bid))
    settled = to_wire(PLAN.settled)
    row = {"use_case": "adtech", "watermark": settled, "heartbeat_at": settled}
    made.put(PROGRESS, "0", PLAN.settled + timedelta(minutes=1), json.dumps(row).encode())
    return made


def _arrivals(generation: Generation) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Each event five milliseconds after the one before it."""
    for number, event in enumerate(generation):
        yield START + timedelta(milliseconds=5 * number), event


def _shard(key: str, arrived: datetime) -> str:
    """By the key: an open shard, or the parent of two before the split."""
    shard = "abc"[md5(key.encode(), usedforsecurity=False).digest()[0] % 3]
    return "d" if shard in "bc" and arrived < SPLIT else shard


def _data(event: dict[str, Any]) -> bytes:
    return json.dumps({"received_at": to_wire(START), **event}).encode() + b"\n"


def test_what_is_computed_from_the_streams_is_the_truth(
    kinesis: Kinesis,
    generation: Generation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Late records are not counted, and of two competitors the first, which the parent has."""
    monkeypatch.setattr("sdpctl.replay.shards.PACE_SECONDS", 0.0)
    store = Store({"code.zip": build().read_bytes()})
    lake = Lake("sdp_adtech", USE_CASE, store, store)
    topology = Topology("sdp", load(("adtech",)))
    source = Source(topology, USE_CASE, kinesis, lake, PARAMETERS, lambda: kinesis.now)
    settings = Settings.load({"SDP_HOME": str(tmp_path)})
    run = Run(settings, tmp_path / "run", "adtech", GROUP, ("aggregates",), "replay")
    fetch(store, Application("app", 1, True, "lake", "code.zip", 2, ()), run.folder / "code")
    done = source.compute(PLAN, source.end(PLAN), tmp_path / "shards", run, lambda *_: None)
    truth = generation.truth()
    assert list(differences(done.buckets, true_buckets(truth))) == []
    late = sum(kind["late"] for kind in truth["outcomes"].values())
    assert done.counted.late >= late > 0
    assert done.counted.records + done.counted.late == len(list(generation)) + 2
