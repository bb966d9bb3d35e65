"""A flood at one API: others go on, nothing is lost, and afterwards the platform is as before."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from bench.flood import Figures, Flood, emulator_processes, function_of
from sdpctl.local import deploy
from sdpctl.settings import Settings
from tests.local.driver import Driver, wait_until

# Sent before, it closes while the next files run: test_scores.py
pytestmark = pytest.mark.usefixtures("scored")
SECONDS = 20
BOUNDS = {
    "Ingest": int(deploy.LOCAL["ingestConcurrency"]),
    "Reports": int(deploy.LOCAL["reportsConcurrency"]),
    "Predict": int(deploy.LOCAL["predictionsConcurrency"]),
}
UNRESERVED = 10


@pytest.fixture(scope="module")
def flooded(driver: Driver, settings: Settings) -> Iterator[Figures]:
    """What eight connections that give up after 0.3 s did in 20 s."""
    flood = Flood(driver.api, driver.reports, driver.key, lambda: emulator_processes(settings))
    yield flood.run(int(time.time()), SECONDS)


def test_reports_answer_beside_the_flood(flooded: Figures) -> None:
    statuses = Counter(status for status, _ in flooded.reports)
    assert statuses and statuses.keys() <= {"200", "404"}  # 404 before the first event is counted


def test_what_is_refused_is_refused_for_its_number_alone(flooded: Figures) -> None:
    assert flooded.answers["202"] > 0
    assert flooded.answers.keys() <= {"202", "429", "ReadTimeout", "ConnectTimeout"}


def test_no_function_has_more_processes_than_its_bound(flooded: Figures) -> None:
    for name, count in flooded.processes.items():
        bound = next((b for part, b in BOUNDS.items() if f"{part}Function" in name), UNRESERVED)
        assert name == "emulator" or count <= bound, flooded.processes


def test_each_accepted_event_is_counted_once(flooded: Figures, driver: Driver) -> None:
    assert len(flooded.accepted) == len(set(flooded.accepted))
    bids = len(flooded.accepted)
    expected = {"bids": bids, "impressions": 0, "clicks": 0, "spend": 0}
    driver.await_totals(flooded.campaign, expected)


def test_after_the_flood_no_process_is_left_of_it(flooded: Figures, settings: Settings) -> None:
    def left() -> int:
        return sum("IngestFunction" in function_of(p) for p in emulator_processes(settings))

    wait_until(lambda: left() <= 1, 180, lambda: f"{left()} processes of one idle function")
