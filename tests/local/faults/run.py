"""One run: events flow, faults happen, answers are watched; in the end everything is compared."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import usecases
from bench.lake import Platform
from infra.topology import Topology
from sdpctl.settings import Settings
from tests.local.driver import Driver, wait_until
from tests.local.faults import truth
from tests.local.faults.accidents import Accidents
from tests.local.faults.flow import REPORT, USE_CASE, Flow
from tests.local.faults.schedule import Planned, schedule
from tests.local.faults.watch import Watch

FLOW_AFTER = 8.0  # seconds in which events flow on after the last fault
OVERRUN = 6.0  # seconds that a fault takes, at most on average
REPORT_SECONDS, LAKE_SECONDS, LEDGER_SECONDS = 240.0, 240.0, 120.0


@dataclass(frozen=True)
class Run:
    """A run of `faults` faults from a seed, `gap` seconds apart on average."""

    settings: Settings
    driver: Driver
    seed: int
    faults: int
    gap: float

    def __call__(self) -> None:
        """Run, and print what happened; raises AssertionError with what is not as it must be."""
        accidents = Accidents(self.settings, self.driver)
        planned = schedule(self.seed, self.faults, sorted(accidents.kinds), self.gap)
        say(f"SDP_SEED={self.seed} SDP_FAULTS={self.faults}")
        for one in planned:
            say(f"  {one}")
        seconds = sum(one.pause + OVERRUN for one in planned) + FLOW_AFTER
        flow = Flow(self.driver, self.seed, seconds)
        ledger = truth.Ledger(self.settings, flow.start)
        watch = Watch(self.driver, _table(self.settings), flow.campaigns)
        flow.begin()
        watch.begin()
        try:
            for one in planned:
                self._happen(one, accidents, flow, watch)
            accidents.await_health()
            flow.end()
            say(f"{flow.sent} events accepted, {flow.failures} of {flow.requests} requests failed")
            self._compare(flow, ledger)
        finally:
            accidents.await_health()
            watch.end()
        say(f"answers compared while events flowed: {dict(watch.compared)}")

    def _happen(self, one: Planned, accidents: Accidents, flow: Flow, watch: Watch) -> None:
        time.sleep(one.pause)
        flow.raise_early()
        watch.raise_early()
        say(f"{_now()} {one.number:3} {one.kind}: {accidents.happen(one)}")

    def _compare(self, flow: Flow, ledger: truth.Ledger) -> None:
        began = time.monotonic()
        wait_until(
            lambda: not truth.reports(self.driver, flow),
            REPORT_SECONDS,
            lambda: f"reports and truth: {truth.reports(self.driver, flow)}",
        )
        say(f"reports equal the truth {time.monotonic() - began:.0f} s after the last event")
        lake = Platform.of(self.settings)
        wait_until(
            lambda: not truth.lake(lake, flow),
            LAKE_SECONDS,
            lambda: f"lake and truth: {truth.lake(lake, flow)}",
        )
        say(f"the lake equals the truth {time.monotonic() - began:.0f} s after it")
        counted = sum(o["matched"] for o in flow.truth["outcomes"].values())
        wait_until(
            lambda: ledger.since(datetime.now(UTC))["counted"] == counted,
            LEDGER_SECONDS,
            lambda: f"{ledger.since(datetime.now(UTC))}, expected {counted} counted",
        )
        say(f"the ledger balances: {ledger.since(datetime.now(UTC))}")


def _table(settings: Settings) -> str:
    """The name of the report's table."""
    tables = Topology(settings.prefix, usecases.load()).tables
    return next(t.name for t in tables if t.key == f"{USE_CASE.name}/{REPORT.path}")


def _now() -> str:
    return f"{datetime.now(UTC):%H:%M:%S}"


def say(line: str) -> None:
    """A line that is seen at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
