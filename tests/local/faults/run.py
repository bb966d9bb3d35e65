"""One run: events flow, faults happen, answers are watched; in the end everything is compared.

Events of some use cases at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import usecases
from glue.catalog import PROGRESS
from infra.topology import Topology
from sdpctl.settings import Settings
from tests.local.driver import Auctions, Driver, wait_until
from tests.local.faults import replays, truth
from tests.local.faults.accidents import Accidents, Targets
from tests.local.faults.adtech import await_final
from tests.local.faults.audit import Audit
from tests.local.faults.clocks import Clocks
from tests.local.faults.flow import Course, Flow, Wrong, reasons_of
from tests.local.faults.flows import FLOWS
from tests.local.faults.schedule import Planned, schedule
from tests.local.faults.sending import Sender
from tests.local.faults.watch import AFTER_FAULT, MINUTES, Watch, in_turns

FLOW_AFTER = 8.0  # seconds in which events flow on after the last fault
OVERRUN = 1.5  # seconds by which a fault may delay those after it, on average
FINAL_SECONDS = 240.0  # by then what was counted before the run is final
FINAL_ROWS = 20  # the minimum of comparisons with what was final before a fault
AUDITED_MINUTES = 20  # the minimum of minutes that were audited beside the faults
CLOSED_SECONDS = 300.0  # until the watermark has passed the keys of the last events
REPORT_SECONDS, LAKE_SECONDS, LEDGER_SECONDS = 240.0, 240.0, 120.0


class TooSlow(AssertionError):
    """A run has taken longer than it may; nothing else was found to be wrong."""


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
    use_cases: Sequence[str] = ("adtech",)
    """Whose events flow."""
    only: str = ""
    """Faults of other kinds than those with this text in their name do not happen."""
    clocks: Clocks | None = None
    """Of a platform of its own: faults of any kind happen to it, and all keys close."""

    def __call__(self) -> list[Flow]:
        """Run, and print what happened; raises AssertionError with what is not as it must be.

        The dead letters and rows of keys that are not closed then are not compared.
        """
        accidents = Accidents(self.settings, self.driver, self._targets(), self.clocks)
        planned = self._planned(accidents)
        seconds = sum(one.pause + OVERRUN for one in planned) + FLOW_AFTER
        if seconds < FINAL_SECONDS:  # else it becomes so while faults happen
            await_final(self.driver, self.earlier, FINAL_SECONDS)
        ledgers = {n: truth.Ledger(self.settings, n, datetime.now(UTC)) for n in self.use_cases}
        sender = Sender(self.driver, seconds)
        flows = self._flows(seconds, sender, accidents)
        watch = self._watch(flows, ledgers)
        began = time.monotonic()
        sender.begin({flow.name: flow.events for flow in flows})
        watch.begin()
        try:
            self._happen(planned, accidents, sender, watch, began)
            accidents.await_health()
            sender.end({flow.name: flow.closing() for flow in flows})
            failed = f"{sender.failures} of {sender.requests} requests failed"
            say(f"events accepted: {dict(sender.sent)}; {failed}")
            self._compare(flows, ledgers, sender)
        finally:
            sender.stop()
            met = accidents.end()
            accidents.await_health()
            watch.end()
        say(f"requests that met with faults: {dict(met)}")
        say(f"answers compared while events flowed: {dict(watch.compared)}")
        silent = [s for s in _services(planned) if not any(k.startswith(s) for k in met)]
        assert not silent, f"no request met with a fault of {silent}"
        self._require_enough(planned, accidents, watch)
        self._require_time(began)
        say(f"{self.faults} faults and all comparisons took {time.monotonic() - began:.0f} s")
        return flows

    def _flows(self, seconds: float, sender: Sender, accidents: Accidents) -> list[Flow]:
        """The events of each use case; its own faults may happen, too."""
        start = datetime.now(UTC).replace(microsecond=0)
        course = Course(self.settings, self.driver, self.seed, start, seconds, self.earlier)
        flows = [FLOWS[name](course) for name in self.use_cases]
        for flow in flows:
            job = self._topology.application(flow.name)
            accidents.kinds |= flow.kinds(sender, partial(accidents.kill_job, job))
        return flows

    def _require_enough(
        self, planned: Sequence[Planned], accidents: Accidents, watch: Watch
    ) -> None:
        """That as much was compared as must be, and that faults hit what they aim at."""
        for what, least in ((AFTER_FAULT, FINAL_ROWS), (MINUTES, AUDITED_MINUTES)):
            number = watch.compared[what]
            assert number >= least, f"{number} {what} were compared; at least {least}"
        missed = accidents.missed(planned)
        assert not missed, f"these never hit what they aim at: {missed}"

    def _planned(self, accidents: Accidents) -> list[Planned]:
        own = (kind for name in self.use_cases for kind in FLOWS[name].own_kinds)
        kinds = sorted(kind for kind in (*accidents.kinds, *own) if self.only in kind)
        planned = schedule(self.seed, self.faults, kinds, self.gap)
        say(f"SDP_SEED={self.seed} SDP_FAULTS={self.faults}")
        for one in planned:
            say(f"  {one}")
        return planned

    def _targets(self) -> Targets:
        topology, own = self._topology, self.use_cases
        stored = [s for s in topology.stored_streams if s.stream != PROGRESS]
        return Targets(
            [s.name for s in topology.event_streams if s.use_case in own],
            [s.name for s in stored if s.use_case in own],
            [t.name for t in topology.tables if t.key.split("/")[0] == own[0]],
        )

    @property
    def _topology(self) -> Topology:
        return Topology(self.settings.prefix, usecases.load())

    def _watch(self, flows: Sequence[Flow], ledgers: dict[str, truth.Ledger]) -> Watch:
        by_key = {table.key: table for table in self._topology.tables}
        tables = {flow.name: by_key[f"{flow.name}/{flow.report.path}"] for flow in flows}
        audits = {
            flow.name: Audit(self.settings, self.driver, flow, ledgers[flow.name].start)
            for flow in flows
        }
        return Watch(self.driver, in_turns(flows, tables), audits)

    def _require_time(self, began: float) -> None:
        took = time.monotonic() - began
        if took > self.limit:
            raise TooSlow(
                f"{self.faults} faults have taken {took:.0f} s; at most {self.limit:.0f} s are "
                "allowed"
            )

    def _happen(
        self,
        planned: list[Planned],
        accidents: Accidents,
        sender: Sender,
        watch: Watch,
        began: float,
    ) -> None:
        """Each fault at its moment; raises what has gone wrong beside them."""
        due = time.monotonic()
        for one in planned:
            due += one.pause
            time.sleep(max(0.0, due - time.monotonic()))
            sender.raise_early()
            watch.raise_early()
            self._require_time(began)
            watch.fault()
            say(f"{datetime.now(UTC):%H:%M:%S} {one}: {accidents.happen(one)}")

    def _compare(
        self, flows: Sequence[Flow], ledgers: dict[str, truth.Ledger], sender: Sender
    ) -> None:
        began = time.monotonic()
        wrong = partial(_wrong, flows, lambda flow: flow.wrong_reports(self.driver))
        _await_none(wrong, REPORT_SECONDS, "reports and truth")
        say(f"reports equal the truth {time.monotonic() - began:.0f} s after the last event")
        lakes = {flow.name: truth.lake_of(self.settings, flow) for flow in flows}
        if self._all_closed:
            wait_until(
                lambda: self._are_closed(flows, ledgers),
                CLOSED_SECONDS,
                lambda: f"waiting: {[ledger.now() for ledger in ledgers.values()]}",
            )
            say(f"all keys are closed {time.monotonic() - began:.0f} s after it")

        def wrong_lake(flow: Flow) -> Wrong:
            return flow.wrong_lake(lakes[flow.name], all_closed=self._all_closed)

        def miscounted(flow: Flow) -> Wrong:
            sums, attempts = ledgers[flow.name].now(), sender.attempts[flow.name]
            rows = flow.letters(lakes[flow.name])
            return flow.miscounted(sums, rows, attempts, all_closed=self._all_closed)

        _await_none(partial(_wrong, flows, wrong_lake), LAKE_SECONDS, "lake and truth")
        say(f"the lake equals the truth {time.monotonic() - began:.0f} s after it")
        _await_none(partial(_wrong, flows, miscounted), LEDGER_SECONDS, "ledger and truth")
        say("the ledger balances, and each outcome is as often as it must be")
        for flow in flows:
            letters = reasons_of(flow.letters(lakes[flow.name]))
            say(f"  {flow.name}: {ledgers[flow.name].now()}, dead letters: {dict(letters)}")
        if self._all_closed:
            equal = {f.name: replays.unchanged(self.settings, self.driver, f) for f in flows}
            say(f"a replay computes the same {time.monotonic() - began:.0f} s after it: {equal}")

    @property
    def _all_closed(self) -> bool:
        """Whether the run waits for that: it has the platform for itself."""
        return self.clocks is not None

    def _are_closed(self, flows: Sequence[Flow], ledgers: dict[str, truth.Ledger]) -> bool:
        """Whether no record waits for others any more."""
        if all(flow.is_closed(ledgers[flow.name].now()) for flow in flows):
            return True
        self.driver.heartbeat()
        return False


def _wrong(flows: Sequence[Flow], look: Callable[[Flow], Wrong]) -> Wrong:
    """By flow and what was looked at, what is found and what is true, where they differ."""
    return {f"{flow.name}: {what}": pair for flow in flows for what, pair in look(flow).items()}


def _await_none(wrong: Callable[[], Wrong], seconds: float, what: str) -> None:
    """Wait until nothing is wrong; AssertionError with what still is."""
    wait_until(lambda: not wrong(), seconds, lambda: f"{what}: {wrong()}")


def _services(planned: list[Planned]) -> list[str]:
    """Those that the schedule has fail."""
    return [one.kind.split()[0].lower() for one in planned if one.kind.endswith("fails")]


def say(line: str) -> None:
    """A line that is seen at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
