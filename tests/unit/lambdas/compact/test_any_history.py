"""Any order of deliveries, runs, kills and queries: readers see each row once, and keep it."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lambdas.compact.lease import LENGTH
from lambdas.compact.plan import Limits
from lambdas.lakestore.hours import waiting
from tests.unit.lambdas.compact.memory import (
    HOUR,
    TABLE,
    Clock,
    Fate,
    Killed,
    Memory,
    compaction,
)

GRACE = Limits().grace


class History(RuleBasedStateMachine):
    """Readers are queries that resolved their files at some time and read them later."""

    def __init__(self) -> None:
        super().__init__()
        self.lake, self.clock = Memory(), Clock()
        self.folder = Path(tempfile.mkdtemp(prefix="history-"))
        self.delivered: set[str] = set()
        self.seen: set[str] = set()
        self.readers: list[tuple[datetime, list[str], set[str]]] = []
        self._deliver(["first"])

    def _deliver(self, rows: list[str]) -> None:
        self.lake.deliver(f"file-{len(self.delivered)}-{len(rows)}", rows)
        self.delivered |= set(rows)

    @rule(count=st.integers(1, 4))
    def deliver(self, count: int) -> None:
        """A file of rows that nobody has seen before."""
        self._deliver([f"{len(self.delivered)}-{n}" for n in range(count)])

    @rule()
    def ask(self) -> None:
        """A long query begins: it knows its files, and reads them when it likes."""
        files = self.lake.resolve()
        rows = {row for key in files for row in json.loads(self.lake.stored[key])}
        self.readers.append((self.clock.now, files, rows))

    @rule(small=st.booleans(), last=st.none() | st.integers(0, 60))
    def run(self, small: bool, last: int | None) -> None:
        """A run that ends, or is killed at some step; its lease is over when the next begins."""
        self.lake.fate = Fate(last=last)
        limits = {"batch_bytes": 40} if small else {}
        with suppress(Killed):
            compaction(self.lake, self.folder, self.clock, **limits)(HOUR)
        self.lake.fate = Fate()
        self.clock.now += LENGTH

    @rule(part=st.floats(0, 1.5))
    def wait(self, part: float) -> None:
        """Time passes; queries that ran for the whole grace time have ended."""
        self.clock.now += timedelta(seconds=int(part * GRACE.total_seconds()))

    @invariant()
    def every_row_is_seen_once_and_stays(self) -> None:
        found = self.lake.query()
        assert len(found) == len(set(found))
        assert self.seen <= set(found) <= self.delivered
        self.seen = set(found)

    @invariant()
    def every_query_finds_its_files(self) -> None:
        self.readers = [r for r in self.readers if self.clock.now < r[0] + GRACE]
        for _, files, rows in self.readers:
            assert {row for key in files for row in json.loads(self.lake.stored[key])} == rows

    def teardown(self) -> None:
        """In the end everything is seen, in few files, and nothing else is left."""
        compact = compaction(self.lake, self.folder, self.clock)
        while list(waiting(self.lake, TABLE)):
            compact(HOUR)
            self.clock.now += GRACE
        assert set(self.lake.query()) == self.delivered
        generation = f"{HOUR.compacted}{self.lake.placements[str(HOUR)].generation}"
        own = (f"{generation}/", f"{generation}.json", f"{HOUR.compacted}lease.json")
        assert [key for key in self.lake.stored if not key.startswith(own)] == []
        shutil.rmtree(self.folder, ignore_errors=True)


TestAnyHistory = History.TestCase
TestAnyHistory.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
