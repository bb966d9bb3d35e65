"""Faults at random moments while events flow: nothing is lost and nothing is counted twice.

`SDP_SEED=7` is another run. The long form, on a platform of its own, is `make faults`.
"""

from __future__ import annotations

import os

from sdpctl.settings import Settings
from tests.local.driver import Auctions, Driver
from tests.local.faults.run import Run

SEED = int(os.environ.get("SDP_SEED", "1"))
FAULTS = int(os.environ.get("SDP_FAULTS", "13"))
GAP = 5.0  # seconds between two faults, on average


def test_nothing_is_lost_or_counted_twice_whatever_dies(
    driver: Driver, settings: Settings, early: Auctions
) -> None:
    Run(settings, driver, SEED, FAULTS, GAP, early)()
