"""`make faults FAULTS=40 SEED=1`: the long run, on a platform of its own that ends with it."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from sdpctl.local import outputs, platform
from sdpctl.settings import Settings
from tests.local.driver import Driver
from tests.local.faults.clocks import Clocks
from tests.local.faults.flow import counted_before
from tests.local.faults.run import Run, say
from tests.local.parameters import PARAMETERS
from tests.local.places import of_its_own

RESULTS = Path(__file__).resolve().parents[3] / "results"
GAP = 10.0  # seconds between two faults, on average
# A run may take so long: 200 faults an hour, with its platform and with all that is compared.
SECONDS, SECONDS_A_FAULT = 600, 15


def main() -> int:
    """Bring a platform up, run, bring it down; 1 if something was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=40, help="how many faults")
    parser.add_argument("--seed", type=int, default=1, help="of events, faults and their moments")
    parser.add_argument("--gap", type=float, default=GAP, help="mean seconds between two faults")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sdp-faults-") as folder:
        clocks = Clocks.made(Path(folder))
        os.environ |= clocks.environment  # of what is started from here on
        home = Path(folder, "platform")
        home.mkdir()
        settings = of_its_own(home)
        try:
            platform.up(settings, PARAMETERS, platform.Steps())
            driver, gap = _driver(settings), options.gap
            earlier = counted_before(driver)
            limit = SECONDS + SECONDS_A_FAULT * options.faults - (time.monotonic() - began)
            Run(settings, driver, options.seed, options.faults, gap, earlier, limit, clocks)()
        except AssertionError as error:
            say(f"FAIL with --seed {options.seed} --faults {options.faults}: {error}")
            say(f"logs and journals are in {_kept(home)}")
            return 1
        finally:
            platform.clean(settings, platform.Steps())
    say(f"PASS: {options.faults} faults in {time.monotonic() - began:.0f} s")
    return 0


def _kept(home: Path) -> Path:
    """Where the logs are, and what the streams have: the platform itself goes."""
    kept = RESULTS / f"faults-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    for part in ("logs", "emulator/state/journal", "delivery"):
        if (home / part).exists():
            shutil.copytree(home / part, kept / part)
    return kept


def _driver(settings: Settings) -> Driver:
    found = outputs.read(settings)
    return Driver(
        found.url_for_api, found.url_for_reports, found.api_key, endpoint=settings.endpoint
    )


if __name__ == "__main__":
    raise SystemExit(main())
