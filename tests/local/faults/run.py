"""One run: events flow, faults happen, answers are watched; in the end everything is compared."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import usecases
from bench.lake import Platform
from infra.topology import Topology
from sdpctl.settings import Settings
from tests.local.driver import Auctions, Driver, Event, wait_until
from tests.local.faults import truth
from tests.local.faults.accidents import Accidents
from tests.local.faults.clocks import Clocks
from tests.local.faults.flow import REPORT, USE_CASE, Flow
from tests.local.faults.schedule import Planned, schedule
from tests.local.faults.watch import AFTER_FAULT, Watch

FLOW_AFTER = 8.0  # seconds in which events flow on after the last fault
OVERRUN = 1.5  # seconds by which a fault may delay those after it, on average
FINAL_SECONDS = 240.0  # by then what was counted before the run is final
FINAL_ROWS = 20  # the minimum of comparisons with what was final before a fault
AMONG = 4  # campaigns of the run that are looked at before the earlier one is again
REPORT_SECONDS, LAKE_SECONDS, LEDGER_SECONDS = 240.0, 240.0, 120.0


@dataclass(frozen=True)
class Run:
    """A run of `faults` faults from a seed, `gap` seconds apart on average."""

    settings: Settings
    driver: Driver
    seed: int
    faults: int
    gap: float
    earlier: Auctions
    """Auctions that were counted before; most of them are sent again, which changes nothing."""
    clocks: Clocks | None = None
    """Of a platform of its own: faults of any kind happen to it."""

    def __call__(self) -> None:
        """Run, and print what happened; raises AssertionError with what is not as it must be."""
        accidents = Accidents(self.settings, self.driver, self.clocks)
        planned = schedule(self.seed, self.faults, sorted(accidents.kinds), self.gap)
        say(f"SDP_SEED={self.seed} SDP_FAULTS={self.faults}")
        for one in planned:
            say(f"  {one}")
        seconds = sum(one.pause + OVERRUN for one in planned) + FLOW_AFTER
        if seconds < FINAL_SECONDS:  # else it becomes so while faults happen
            wait_until(self._is_final, FINAL_SECONDS, lambda: f"not final: {self._earlier_rows()}")
        flow = Flow(self.driver, self.seed, seconds, self._again())
        ledger = truth.Ledger(self.settings, flow.start)
        watch = Watch(self.driver, _table(self.settings), self._watched(flow.campaigns))
        flow.begin()
        watch.begin()
        try:
            self._happen(planned, accidents, flow, watch)
            accidents.await_health()
            flow.end()
            say(f"{flow.sent} events accepted, {flow.failures} of {flow.requests} requests failed")
            self._compare(flow, ledger)
        finally:
            met = accidents.end()
            accidents.await_health()
            watch.end()
        say(f"requests that met with faults: {dict(met)}")
        silent = [s for s in _services(planned) if not any(k.startswith(s) for k in met)]
        assert not silent, f"no request met with a fault of {silent}"
        say(f"answers compared while events flowed: {dict(watch.compared)}")
        final = watch.compared[AFTER_FAULT]
        assert final >= FINAL_ROWS, f"{final} {AFTER_FAULT} were compared; at least {FINAL_ROWS}"

    def _again(self) -> list[Event]:
        """Not of the first auctions: other tests look for the copies that there are of these."""
        kept = {bid["tx_id"] for bid in self.earlier.bids[:10]}
        return [event for event in self.earlier.events if event["tx_id"] not in kept]

    def _watched(self, own: list[int]) -> list[int]:
        """The earlier campaign after every few others: its row is the one that is final."""
        groups = (own[n : n + AMONG] for n in range(0, len(own), AMONG))
        return [campaign for group in groups for campaign in (*group, self.earlier.campaign)]

    def _is_final(self) -> bool:
        rows = self._earlier_rows()
        if rows and all(row["final"] for row in rows):
            return True
        self.driver.heartbeat()
        return False

    def _earlier_rows(self) -> list[dict[str, Any]]:
        path = f"campaigns/{self.earlier.campaign}/period"
        rows: list[dict[str, Any]] = self.driver.get(path, period="MINUTES").json()["rows"]
        return rows

    def _happen(
        self, planned: list[Planned], accidents: Accidents, flow: Flow, watch: Watch
    ) -> None:
        """Each fault at its moment; raises what has gone wrong beside them."""
        due = time.monotonic()
        for one in planned:
            due += one.pause
            time.sleep(max(0.0, due - time.monotonic()))
            flow.raise_early()
            watch.raise_early()
            watch.fault()
            say(f"{datetime.now(UTC):%H:%M:%S} {one}: {accidents.happen(one)}")

    def _compare(self, flow: Flow, ledger: truth.Ledger) -> None:
        began = time.monotonic()
        wait_until(
            lambda: not self._wrong(flow),
            REPORT_SECONDS,
            lambda: f"reports and truth: {self._wrong(flow)}",
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

    def _wrong(self, flow: Flow) -> dict[str, Any]:
        """What the reports say and what is true, where they differ."""
        wrong = truth.reports(self.driver, flow)
        found = self.driver.totals(self.earlier.campaign)
        if found != self.earlier.expected:
            wrong["earlier"] = (found, self.earlier.expected)
        return wrong


def _services(planned: list[Planned]) -> list[str]:
    """Those that the schedule has fail."""
    return [one.kind.split()[0].lower() for one in planned if one.kind.endswith("fails")]


def _table(settings: Settings) -> str:
    """The name of the report's table."""
    tables = Topology(settings.prefix, usecases.load()).tables
    return next(t.name for t in tables if t.key == f"{USE_CASE.name}/{REPORT.path}")


def say(line: str) -> None:
    """A line that is seen at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
