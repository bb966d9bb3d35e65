"""The packaged application is submitted over REST, as Managed Flink submits it, and runs.

An attached client, as a program on one machine has, hides what is refused there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flink.session import Cluster, session_cluster

BID = {
    "type": "bid",
    "tx_id": "a-1",
    "event_id": "e-1",
    "app_uid": "app-07",
    "campaign_item_id": 77,
    "occurred_at": "2026-11-21T10:00:01.000Z",
    "received_at": "2026-11-21T10:00:01.000Z",
    "data": "",
    "shard_id": "shard-0",
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("session")
    source = folder / "data" / "adtech" / "bcns"
    source.mkdir(parents=True)
    (source / "events.json").write_text(json.dumps(BID) + "\n")
    places = {"connector": "files", "files.path": str(folder / "data")}
    with session_cluster(folder, {"use_cases": "adtech", **places}) as running:
        yield running


def test_main_hands_its_job_over_and_ends(cluster: Cluster) -> None:
    answer = cluster.submit()
    assert answer.status_code == 200, answer.text[:500] + cluster.log()
    assert cluster.final_state(answer.json()["jobid"]) == "FINISHED"
    assert _rows(cluster.folder / "data" / "adtech" / "aggregates") == [(77, 1)]


def test_a_main_that_cannot_define_its_job_is_refused(cluster: Cluster) -> None:
    """As a failed start on AWS: nothing is handed over, and the log names the property."""
    path = cluster.folder / "properties.json"
    kept = path.read_text()
    try:
        path.write_text(kept.replace('"files"', '"tapes"'))
        answer = cluster.submit()
    finally:
        path.write_text(kept)
    assert answer.status_code == 400
    assert "connector: 'tapes' is not one of" in cluster.log()


def _rows(folder: Path) -> list[tuple[int, int]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    return [(row["campaign_item_id"], row["bids"]) for row in rows]
