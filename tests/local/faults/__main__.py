"""`make faults FAULTS=40 SEED=1`: the long run, on a platform of its own that ends with it."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import tempfile
import time
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path

import usecases
from sdpctl.local import outputs, platform
from sdpctl.settings import Settings
from tests.local.driver import Driver
from tests.local.faults.adtech import counted_before
from tests.local.faults.clocks import Clocks
from tests.local.faults.flows import FLOWS
from tests.local.faults.run import Run, TooSlow, say
from tests.local.parameters import PARAMETERS
from tests.local.places import of_its_own

FIRST, *_ = DEFAULT = tuple(FLOWS)
RESULTS = Path(__file__).resolve().parents[3] / "results"
TOO_SLOW = 3  # the exit code if nothing else is wrong
GAP = 10.0  # seconds between two faults, on average
# A run may take so long: with all use cases 200 faults an hour. Each use case is deployed, closed
# and compared.
SECONDS, SECONDS_A_USE_CASE, SECONDS_A_FAULT = 300, 300, 12


def _limit(options: argparse.Namespace) -> float:
    """Seconds that the run may take."""
    use_cases, faults = len(options.use_cases), options.faults
    return SECONDS + SECONDS_A_USE_CASE * use_cases + SECONDS_A_FAULT * faults


def main() -> int:
    """Bring a platform up, run, bring it down; 1 if something was not as it must be.

    TOO_SLOW if it has only taken too long.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=40, help="how many faults")
    parser.add_argument("--seed", type=int, default=1, help="of events, faults and their moments")
    parser.add_argument("--gap", type=float, default=GAP, help="mean seconds between two faults")
    parser.add_argument(
        "--use-cases",
        type=_use_cases,
        default=DEFAULT,
        help=f"whose events flow, separated by commas (default: {','.join(DEFAULT)})",
    )
    parser.add_argument("--only", default="", help="a text in the names of kinds of faults")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sdp-faults-") as folder:
        clocks = Clocks.made(Path(folder))
        os.environ |= clocks.environment  # of what is started from here on
        home = Path(folder, "platform")
        home.mkdir()
        settings = of_its_own(home)
        try:
            platform.up(settings, _parameters(options.use_cases), platform.Steps())
            driver = _driver(settings)
            run = Run(
                settings,
                driver,
                options.seed,
                options.faults,
                options.gap,
                counted_before(driver),
                _limit(options) - (time.monotonic() - began),
                options.use_cases,
                options.only,
                clocks,
            )
            run()
        except AssertionError as error:
            say(f"FAIL with {_again(options)}: {error}")
            say(f"logs and journals are in {_kept(home)}")
            return TOO_SLOW if isinstance(error, TooSlow) else 1
        finally:
            platform.clean(settings, platform.Steps())
    say(f"PASS: {options.faults} faults in {time.monotonic() - began:.0f} s")
    return 0


def _again(options: argparse.Namespace) -> str:
    """The options by which the same can be run again."""
    always = f"--seed {options.seed} --faults {options.faults} --gap {options.gap:g}"
    only = f" --only {shlex.quote(options.only)}" if options.only else ""
    return f"{always} --use-cases {','.join(options.use_cases)}{only}"


def _use_cases(text: str) -> tuple[str, ...]:
    try:
        names = usecases.chosen(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
    if names[0] != FIRST:
        raise ArgumentTypeError(f"must name {FIRST}, which was counted before the run")
    return names


def _parameters(use_cases: tuple[str, ...]) -> dict[str, str]:
    """Of a deployment of these use cases."""
    parameters = {**PARAMETERS, "useCases": ",".join(use_cases)}
    for name in use_cases:
        parameters |= FLOWS[name].parameters
    return parameters


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
