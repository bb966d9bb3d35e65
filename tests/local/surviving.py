"""The short run of faults, once for all tests that look at what it has left."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

import pytest

from sdpctl.settings import Settings
from tests.local.driver import Auctions, Driver
from tests.local.faults.flow import Flow
from tests.local.faults.run import Run

SEED = int(os.environ.get("SDP_SEED", "1"))
SHORT, SECONDS, SECONDS_A_FAULT = 14, 300.0, 15.0  # the short form, and what each more may take
FAULTS = int(os.environ.get("SDP_FAULTS", SHORT))
GAP = 5.0  # seconds between two faults, on average


@pytest.fixture(scope="session")
def survived(driver: Driver, settings: Settings, early: Auctions) -> Callable[[], list[Flow]]:
    """The events of the run; the first call has it run."""
    limit = SECONDS + SECONDS_A_FAULT * max(0, FAULTS - SHORT)
    return cache(Run(settings, driver, SEED, FAULTS, GAP, early, limit))
