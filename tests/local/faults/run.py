"""One run: events flow, faults happen, answers are watched; in the end everything is compared."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import usecases
from bench.lake import Platform
from infra.topology import Topology
from sdpctl.settings import Settings
from tests.local.driver import Auctions, Driver, Event, wait_until
from tests.local.faults import truth
from tests.local.faults.accidents import Accidents
from tests.local.faults.audit import Audit
from tests.local.faults.clocks import Clocks
from tests.local.faults.flow import REPORT, USE_CASE, Flow
from tests.local.faults.schedule import Planned, schedule
from tests.local.faults.watch import AFTER_FAULT, MINUTES, Watch

FLOW_AFTER = 8.0  # seconds in which events flow on after the last fault
OVERRUN = 1.5  # seconds by which a fault may delay those after it, on average
FINAL_SECONDS = 240.0  # by then what was counted before the run is final
FINAL_ROWS = 20  # the minimum of comparisons with what was final before a fault
AMONG = 4  # campaigns of the run that are looked at before the earlier one is again
AUDITED_MINUTES = 20  # the minimum of minutes that were audited beside the faults
CLOSED_SECONDS = 300.0  # until the watermark has passed the keys of the last events
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
    limit: float
    """Seconds that it may take from its first event to the end of what is compared."""
    clocks: Clocks | None = None
    """Of a platform of its own: faults of any kind happen to it, and all keys close."""

    def __call__(self) -> Flow:
        """Run, and print what happened; raises AssertionError with what is not as it must be.

        The dead letters and rows of keys that are not closed then are not compared.
        """
        table = _table(self.settings)
        accidents = Accidents(self.settings, self.driver, table, self.clocks)
        planned = schedule(self.seed, self.faults, sorted(accidents.kinds), self.gap)
        say(f"SDP_SEED={self.seed} SDP_FAULTS={self.faults}")
        for one in planned:
            say(f"  {one}")
        seconds = sum(one.pause + OVERRUN for one in planned) + FLOW_AFTER
        if seconds < FINAL_SECONDS:  # else it becomes so while faults happen
            wait_until(self._is_final, FINAL_SECONDS, lambda: f"not final: {self._earlier_rows()}")
        flow = Flow(self.driver, self.seed, seconds, self._again())
        ledger = truth.Ledger(self.settings, flow.start)
        audit = Audit(self.settings, self.driver, ledger.start)
        watch = Watch(self.driver, table, self._watched(flow.campaigns), audit)
        began = time.monotonic()
        flow.begin()
        watch.begin()
        try:
            self._happen(planned, accidents, flow, watch, began)
            accidents.await_health()
            flow.end()
            say(f"{flow.sent} events accepted, {flow.failures} of {flow.requests} requests failed")
            self._compare(flow, ledger)
        finally:
            flow.stop()
            met = accidents.end()
            accidents.await_health()
            watch.end()
        say(f"requests that met with faults: {dict(met)}")
        silent = [s for s in _services(planned) if not any(k.startswith(s) for k in met)]
        assert not silent, f"no request met with a fault of {silent}"
        say(f"answers compared while events flowed: {dict(watch.compared)}")
        for what, least in ((AFTER_FAULT, FINAL_ROWS), (MINUTES, AUDITED_MINUTES)):
            number = watch.compared[what]
            assert number >= least, f"{number} {what} were compared; at least {least}"
        missed = accidents.missed(planned)
        assert not missed, f"these never hit what they aim at: {missed}"
        self._require_time(began)
        say(f"{self.faults} faults and all comparisons took {time.monotonic() - began:.0f} s")
        return flow

    def _require_time(self, began: float) -> None:
        took = time.monotonic() - began
        assert took <= self.limit, (
            f"{self.faults} faults have taken {took:.0f} s; at most {self.limit:.0f} s are allowed"
        )

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
        """None while nothing of them is counted: the campaign is unknown."""
        path = f"campaigns/{self.earlier.campaign}/period"
        answer = self.driver.get(path, period="MINUTES")
        rows: list[dict[str, Any]] = answer.json()["rows"] if answer.status_code == 200 else []
        return rows

    def _happen(
        self,
        planned: list[Planned],
        accidents: Accidents,
        flow: Flow,
        watch: Watch,
        began: float,
    ) -> None:
        """Each fault at its moment; raises what has gone wrong beside them."""
        due = time.monotonic()
        for one in planned:
            due += one.pause
            time.sleep(max(0.0, due - time.monotonic()))
            flow.raise_early()
            watch.raise_early()
            self._require_time(began)
            watch.fault()
            say(f"{datetime.now(UTC):%H:%M:%S} {one}: {accidents.happen(one)}")

    def _compare(self, flow: Flow, ledger: truth.Ledger) -> None:
        began = time.monotonic()
        _await_none(lambda: self._wrong(flow), REPORT_SECONDS, "reports and truth")
        say(f"reports equal the truth {time.monotonic() - began:.0f} s after the last event")
        lake = Platform.of(self.settings)
        if self._all_closed:
            wait_until(
                lambda: self._is_closed(ledger), CLOSED_SECONDS, lambda: f"waiting: {ledger.now()}"
            )
            say(f"all keys are closed {time.monotonic() - began:.0f} s after it")
        in_lake = partial(truth.lake, lake, flow, all_closed=self._all_closed)
        _await_none(in_lake, LAKE_SECONDS, "lake and truth")
        letters = Counter(row["reason"] for row in truth.letters(lake, flow))
        say(f"the lake equals the truth {time.monotonic() - began:.0f} s after it: {dict(letters)}")
        miscounted = partial(self._miscounted, flow, ledger, lake)
        _await_none(miscounted, LEDGER_SECONDS, "ledger and truth")
        say(f"the ledger balances, and each outcome is as often as it must be: {ledger.now()}")

    @property
    def _all_closed(self) -> bool:
        """Whether the run waits for that: it has the platform for itself."""
        return self.clocks is not None

    def _is_closed(self, ledger: truth.Ledger) -> bool:
        """Whether no record waits for others any more."""
        if not ledger.now()["waiting"]:
            return True
        self.driver.heartbeat()
        return False

    def _miscounted(self, flow: Flow, ledger: truth.Ledger, lake: Platform) -> dict[str, Any]:
        rows = truth.letters(lake, flow)
        return truth.outcomes(flow, ledger.now(), rows, all_closed=self._all_closed)

    def _wrong(self, flow: Flow) -> dict[str, Any]:
        """What the reports say and what is true, where they differ."""
        wrong = truth.reports(self.driver, flow)
        found = self.driver.totals(self.earlier.campaign)
        if found != self.earlier.expected:
            wrong["earlier"] = (found, self.earlier.expected)
        return wrong


def _await_none(wrong: Callable[[], dict[str, Any]], seconds: float, what: str) -> None:
    """Wait until nothing is wrong; AssertionError with what still is."""
    wait_until(lambda: not wrong(), seconds, lambda: f"{what}: {wrong()}")


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
