"""One platform for all local tests, with ports and data of its own.

While tests are being written, SDP_TEST_RUNNING=1 takes the one that `./sdp up` has started with the
parameters below; the tests of the platform's own life must then be left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sdpctl.local import outputs, platform
from sdpctl.local.processes import free_port
from sdpctl.settings import Settings
from tests.local.driver import Auctions, Driver, Event, auctions
from tests.local.machine import Machine

PARAMETERS = {
    "AggregationPeriod": "PT1M",
    "CorrelationWindow": "PT1M",
    "AllowedLateness": "PT2M",
    "retrainCheckMinutes": "1440",  # runs are started by the tests that want them
    "retrainRows": "1000",
    "trainingMaxMinutes": "10",
    "trainingPollSeconds": "2",
}


# The backfill is of events that have become final while the other tests ran. What changes the
# platform's parameters or definitions comes last: there is no way back from it.
LAST = ["test_backfill.py", "test_updates.py", "test_evolution.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files of `LAST` behind the others."""
    items.sort(key=lambda item: LAST.index(item.path.name) if item.path.name in LAST else -1)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A running platform; it is stopped and removed at the end."""
    if os.environ.get("SDP_TEST_RUNNING"):
        yield Settings.load()
        return
    home: Path = tmp_path_factory.mktemp("platform")
    places = {
        "SDP_HOME": str(home),
        "SDP_EMULATOR_PORT": str(free_port()),
        "SDP_FLINK_PORT": str(free_port()),
        "SDP_SAGEMAKER_PORT": str(free_port()),
        "SDP_MQTT_PORT": str(free_port()),
    }
    made = Settings.load({**os.environ, **places})
    try:
        platform.up(made, PARAMETERS, platform.Steps())
        yield made
    finally:
        platform.down(made, platform.Steps())


@pytest.fixture(scope="session")
def driver(settings: Settings) -> Driver:
    """A user of the platform."""
    found = outputs.read(settings)
    return Driver(
        found.url_for_api, found.url_for_reports, found.api_key, endpoint=settings.endpoint
    )


@pytest.fixture(scope="session", autouse=True)
def early(driver: Driver) -> Auctions:
    """Auctions of the last whole minute before the tests, ten of their bids sent twice.

    No other event is of that minute. It is final about four minutes later.
    """
    minute = (datetime.now(UTC) - timedelta(seconds=70)).replace(second=0, microsecond=0)
    made = auctions(60, at=minute + timedelta(seconds=30))
    driver.send([*made.events, *made.bids[:10]])
    return made


@dataclass(frozen=True)
class Refused:
    """Events that are accepted and never counted."""

    late: Event
    unmatched: Event
    duplicate: Event
    """Another bid of an auction that has one."""


@pytest.fixture(scope="session", autouse=True)
def refused(driver: Driver, early: Auctions) -> Refused:
    """Sent before the tests, because the key of the second closes minutes later."""
    [late] = auctions(1, at=datetime.now(UTC) - timedelta(hours=1)).bids
    [unmatched] = auctions(1).impressions
    [first] = auctions(1).bids
    duplicate = first | {"event_id": f"{first['event_id']}-other"}
    driver.send([late, unmatched, first, duplicate])
    return Refused(late, unmatched, duplicate)


@pytest.fixture(scope="session")
def machine(settings: Settings) -> Machine:
    """The machine the platform runs on."""
    return Machine(settings)
