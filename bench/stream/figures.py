"""One run of one topology: what it took, measured from outside."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bench.stream import events
from bench.stream.profiler import Profiler
from bench.stream.versions import Version
from bench.stream.watch import Job, Sample, Watch, environment

CORES = 2
HEAP = "3g"
REPORT_SECONDS = 15.0


@dataclass(frozen=True)
class Case:
    """How often the runtime takes a checkpoint."""

    name: str
    checkpoint_seconds: float


PRODUCTION = Case("production", 60)
"""As Managed Flink does. A key is open for seconds of a run: most never reach RocksDB."""

HARSH = Case("harsh", 1.5)
"""A key is open for longer than that: each is written to RocksDB, as on a stream in real time."""


@dataclass(frozen=True)
class Plan:
    """What to run: a topology of a version, on an input, with a case's checkpoints."""

    topology: str
    version: Version
    source: events.Input
    case: Case
    port: int
    profiler: Profiler | None = None
    model: Path | None = None
    """The graph of a model that scores every transaction, if one does."""

    @property
    def title(self) -> str:
        """For people."""
        name = self.version.name if self.topology == "platform" else self.topology
        return f"{name}, {self.case.name} (checkpoints every {self.case.checkpoint_seconds:g} s)"


@dataclass(frozen=True)
class Figures:
    """What one run took."""

    plan: Plan
    seconds: float
    watch: Watch
    load: tuple[float, float]
    """Load averages of the machine over a minute, at start and end."""

    @property
    def steady(self) -> float:
        """Events a second without start-up, compilation and the end."""
        start, end = self.watch.steady()
        return self._steady_events() / (end.at - start.at)

    @property
    def cpu_per_million(self) -> float:
        """Processor seconds for a million events, in steady state."""
        start, end = self.watch.steady()
        return (end.cpu - start.cpu) / (self._steady_events() / 1e6)

    @property
    def open_seconds(self) -> float:
        """How long a key is open while this runs: event time goes as fast as records do."""
        return events.OPEN_SECONDS * events.PER_SECOND / self.steady

    def _steady_events(self) -> float:
        start, end = self.watch.steady()
        return (end.sent - start.sent) / end.sent * self.plan.source.records

    def show(self) -> None:
        """Prints them."""
        records, watch = self.plan.source.records, self.watch
        start, end = watch.steady()
        whole = f"the whole run {records / self.seconds:,.0f}"
        print(
            f"{self.plan.title}: {records:,} events in {self.seconds:.1f} s;"
            f" load of the machine {self.load[0]:.1f} to {self.load[1]:.1f}\n"
            f"  steady events/s     {self.steady:>12,.0f}"
            f"  (second half: {end.at - start.at:.0f} s; {whole})\n"
            f"  steady, per core    {self.steady / CORES:>12,.0f}\n"
            f"  CPU s per million   {self.cpu_per_million:>12.2f}\n"
            f"  memory, MiB         {watch.peak_bytes / 2**20:>12,.0f}"
            f"  (at half {start.memory / 2**20:,.0f}, at the end {end.memory / 2**20:,.0f})\n"
            f"  state, MiB          {watch.state_bytes / 2**20:>12,.1f}"
            f"  ({watch.checkpoints} checkpoints; a key is open for {self.open_seconds:.1f} s)",
            flush=True,
        )
        if self.plan.profiler:
            self.plan.profiler.show()


def _promote(model: Path, folder: Path) -> None:
    """The model scores from the first event on."""
    fingerprint = sha256(model.read_bytes()).hexdigest()
    body = {"model_version": "bench", "uri": model.as_uri(), "fingerprint": fingerprint}
    version = {"kind": "model", "name": "win", "version": 1, "valid_from": 0, "body": body}
    folder.mkdir()
    (folder / "definitions.ndjson").write_text(json.dumps(version))


def measure(plan: Plan, work: Path) -> Figures:
    """Runs a topology in a process of its own. Raises RuntimeError with its log if it fails."""
    work.mkdir()
    if plan.model:
        _promote(plan.model, work / "adtech")
    watch, load, due = Watch(), os.getloadavg()[0], time.monotonic() + REPORT_SECONDS

    def look(pid: int) -> Sample | None:
        nonlocal due
        sample = watch.look(pid, f"http://127.0.0.1:{plan.port}")
        if time.monotonic() >= due:
            _report(plan, sample)
            due += REPORT_SECONDS
        return sample

    half = plan.source.records / 2
    job = Job(
        plan.title,
        _command(plan, work),
        environment(plan.version.root, HEAP, work),
        work,
        plan.profiler,
        half,
    )
    seconds = job.follow(look, pause=1.0)
    return Figures(plan, seconds, watch, (load, os.getloadavg()[0]))


def _command(plan: Plan, work: Path) -> list[str]:
    launch = str(Path(__file__).with_name("launch.py"))
    interval = f"{plan.case.checkpoint_seconds * 1000:.0f} ms"
    job = [plan.topology, str(plan.source.folder), str(work), str(plan.port), interval]
    return [sys.executable, "-P", launch, *job]


def _report(plan: Plan, sample: Sample | None) -> None:
    sent = f"{sample.sent:,} rows sent on by the sources" if sample else "starting or ending"
    print(f"  … {plan.title}: {sent}", file=sys.stderr, flush=True)
