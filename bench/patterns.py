"""The shopping pipeline: events a second, what Flink adds to a decision's time, and its state.

    .venv/dev/bin/python -m bench.patterns

Two runs of the packaged SQL with RocksDB and two cores and a checkpoint every 30 s, as it is
deployed, from a recorded stream of two shards without a network, shuffled over three seconds, one
event in ten twice:

1. As fast as it goes. Event time passes in it twelve times the window of the pattern. Prints events
   a second, of the last million of six and of all, and open keys and the size of the checkpoints
   while event time goes on. The first five millions are for the JVM to compile what runs: after two
   of three it still spent a fifth of the CPU on that.
2. At half of that rate, in real time: an event is there at its own time, or up to three seconds
   later. Prints p50, p95 and p99 of the time from the instant at which the watermark can pass an
   event until its business event, and its decision, are written: from the instant at which each
   shard has an event that is more than WatermarkDelay later. The first half of the run is left out,
   for the same reason, and so is what only the end of the input lets pass.

In both every business event is compared in number with the truth; ends with 1 if one is missing, or
if the state grows. Needs `make build`; about twenty minutes on two idle cores, most of them for
making the events.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np

from bench.stream.profiler import Profiler, add_option
from bench.stream.watch import Job, Sample, Watch, fetch
from datagen import Generation, Settings
from glue.instants import from_millis, parse, to_millis, to_wire
from tests.flink.shopping import definitions
from usecases import load
from usecases.shopping import generator

ROOT = Path(__file__).resolve().parents[1]
SHARDS, HEAP, CORES = 2, "3g", 2
SECOND, MILLISECOND = timedelta(seconds=1), timedelta(milliseconds=1)
SHUFFLE = timedelta(seconds=3)
WINDOWS = 12
"""How often the window of the pattern passes in the first run."""
LOOK, SELDOM = 1.0, 5.0
"""Seconds between two looks at the first and at the second run. Each look takes tens of
milliseconds of the job's own cores, and delays what is measured."""
IN_WINDOW = 8
"""Debits of a card within the window, in both runs."""
START = datetime(2026, 1, 5, 10, tzinfo=UTC)
STARTING = timedelta(seconds=40)
"""How long the second run may take until it reads."""
SAMPLE = 200_000
"""Events that are made to see how long that takes, for a second run alone."""
COMPILED = 5 / 6
"""The share of the first run after which the JVM has compiled most of what runs."""
AIM = (100_000, 42)
"""Events a second, and milliseconds of the 95th percentile."""
GROWTH, AROUND = 1.2, 0.1
"""Of open keys from about the half to about three quarters of the records."""
LATE = 1_000
"""Milliseconds: a second run all of whose rows are later began late, or has too many events."""


@dataclass(frozen=True)
class Input:
    """A folder of NDJSON files, how many records it has, and the business events in them.

    `reached` is of each shard the event time that its records come to, each instant once, in order:
    milliseconds since the epoch.
    """

    folder: Path
    records: int
    found: Counter[str]
    reached: list[np.ndarray]

    def passable(self, times: np.ndarray, delay: int) -> np.ndarray:
        """When the watermark can pass these times at the earliest, in milliseconds.

        Each shard must have had an event that is more than `delay` ms later. Times that only the
        end of the input lets pass are at infinity.
        """
        ever = [np.append(reached, np.inf) for reached in self.reached]
        later = times + delay + 1
        return np.max([each[np.searchsorted(each, later)] for each in ever], axis=0)


@dataclass(frozen=True)
class Shape:
    """What to generate: distinct events from `start` on, `rate` of them a second of event time.

    `window` is that of the pattern, whole seconds; a form may take 0.4 of it.
    """

    events: int
    cards: int
    start: datetime
    rate: float
    window: timedelta

    @property
    def parameters(self) -> dict[str, str]:
        """Those of the deployment."""
        return {
            "PatternWindow": f"PT{self.window // SECOND}S",
            "FormTimeout": f"PT{self.timeout // SECOND}S",
            # What waits for an answer is state too, that passes as the sessions' does.
            "AnswerWindow": f"PT{self.timeout // SECOND}S",
        }

    @property
    def timeout(self) -> timedelta:
        """Of the form."""
        return max(SECOND, 0.4 * self.window // SECOND * SECOND)


def generate(folder: Path, shape: Shape) -> Input:
    """The events of a shape, each shard with cards of its own."""
    folder.mkdir(parents=True)
    with ProcessPoolExecutor(SHARDS) as pool:
        parts = list(pool.map(_shard, [folder] * SHARDS, range(SHARDS), [shape] * SHARDS))
    lines, found, reached = zip(*parts, strict=True)
    return Input(folder, sum(lines), sum(found, Counter()), list(reached))


def _shard(folder: Path, shard: int, shape: Shape) -> tuple[int, Counter[str], np.ndarray]:
    """Events as they are received: each when event time has come to it, so none before its own."""
    # In this process alone: the truth of this shape's numbers.
    generator.EVENTS_PER_CARD = shape.events // shape.cards
    generator.WINDOW = shape.window // MILLISECOND
    generator.TIMEOUT = shape.timeout // MILLISECOND
    (use_case,) = load(("shopping",)).use_cases
    count, rate = shape.events // SHARDS, shape.rate / SHARDS
    settings = Settings(count, shape.start, shard, rate, duplicates=0.1, shuffle=SHUFFLE)
    generation, reached, lines = Generation(use_case, generator, settings), [0], 0
    with (folder / f"shardId-{shard:012d}").open("w") as out:
        for event in generation:
            time = to_millis(parse(event["occurred_at"]))
            if time > reached[-1]:
                reached.append(time)
            received = {"received_at": to_wire(from_millis(reached[-1]))}
            out.write(json.dumps({**received, **event}, separators=(",", ":")) + "\n")
            lines += 1
    rows = generation.truth()["records"]["business-events"]
    return lines, Counter(row["kind"] for row in rows), np.array(reached[1:])


# --- a run ----------------------------------------------------------------------------------------


@dataclass
class State:
    """Of a moment: records read, open keys by operator, and the size of the newest checkpoint."""

    sent: int
    keys: dict[str, int]
    checkpoint: int


@dataclass
class Seen:
    """What was seen of a run while it went on."""

    watch: Watch = field(default_factory=Watch)
    states: list[State] = field(default_factory=list)
    seconds: float = 0.0

    def look(self, pid: int, base: str) -> Sample | None:
        """Take one sample of a job; None of one that is not there yet, or gone."""
        sample = self.watch.look(pid, base)
        if sample is None:
            return None
        try:
            (job,) = fetch(f"{base}/jobs")["jobs"]
            found = fetch(f"{base}/jobs/{job['id']}/checkpoints")["latest"]["completed"] or {}
            self.states.append(
                State(sample.sent, _open_keys(base, job["id"]), found.get("state_size", 0))
            )
        except (OSError, KeyError, ValueError):
            pass
        return sample

    def around(self, share: float) -> State:
        """The median of the states while about this share of the records was read.

        One subtask is now and then ahead of the other, and what it has read waits as state.
        """
        total = self.states[-1].sent

        def away(state: State) -> float:
            return abs(state.sent / total - share)

        near = [s for s in self.states if away(s) <= AROUND] or [min(self.states, key=away)]
        names = {name for s in near for name in s.keys}
        keys = {name: int(median(s.keys.get(name, 0) for s in near)) for name in names}
        return State(near[0].sent, keys, int(median(s.checkpoint for s in near)))


def _open_keys(base: str, job: str) -> dict[str, int]:
    """By operator, from the metrics of all subtasks."""
    found: dict[str, int] = {}
    for vertex in fetch(f"{base}/jobs/{job}")["vertices"]:
        path = f"{base}/jobs/{job}/vertices/{vertex['id']}/subtasks/metrics"
        names = [m["id"] for m in fetch(path) if m["id"].endswith(".openKeys")]
        for metric in fetch(f"{path}?get={','.join(names)}&agg=sum") if names else ():
            operator = metric["id"].removesuffix(".openKeys").rpartition(".")[2]
            found[operator] = int(metric["sum"])
    return found


@dataclass(frozen=True)
class Plan:
    """A run: its input, and whether it is paced."""

    name: str
    source: Input
    parameters: dict[str, str]
    paced: bool
    port: int
    settings: dict[str, str]
    profiler: Profiler | None = None
    """Of the records after the first that are for the JVM to compile."""


def measure(plan: Plan, work: Path) -> Seen:
    """Runs the job in a process of its own. Raises RuntimeError with its log if it fails."""
    (work / "shopping").mkdir(parents=True)
    lines = (json.dumps({**version, "valid_from": 0}) + "\n" for version in definitions())
    (work / "shopping" / "definitions.ndjson").write_text("".join(lines))
    pause = SELDOM if plan.paced else LOOK
    fetched = {"metrics.fetcher.update-interval": f"{pause * 1e3:.0f}"}
    options = {
        "work": str(work),
        "input": str(plan.source.folder),
        "paced": plan.paced,
        "port": str(plan.port),
        "parameters": plan.parameters,
        "settings": fetched | plan.settings,
    }
    script, compiled = Path(__file__).with_name("patterns_job.py"), COMPILED * plan.source.records
    run = Job.of_script(plan.name, script, options, work, HEAP, plan.profiler, compiled)
    seen = Seen()
    look = seen.watch.look if plan.paced else seen.look
    seen.seconds = run.follow(lambda pid: look(pid, f"http://127.0.0.1:{plan.port}"), pause)
    if plan.profiler:
        plan.profiler.show()
    return seen


def times(work: Path, stream: str) -> list[np.ndarray]:
    """Of each subtask two columns: each row's time, and when it was written, in ms, in order."""
    files = sorted((work / "times" / stream).iterdir())
    return [np.loadtxt(file, dtype=np.int64, ndmin=2) for file in files]


# --- figures --------------------------------------------------------------------------------------


class Bench:
    """The runs, one after the other, and what did not hold."""

    def __init__(self, args: argparse.Namespace, work: Path) -> None:
        self.args, self.work = args, work
        self.making = 0.0
        """Seconds that it takes to make an event, with some to spare; 0 before any were made."""
        self.failed: list[str] = []

    def throughput(self) -> float:
        """Events a second of the first run."""
        window = timedelta(minutes=75)
        rate = self.args.events / (WINDOWS * window).total_seconds()
        shape = Shape(self.args.events, self.args.cards, START, rate, window)
        source = self._make("events", shape)
        seen, work = self._run("as fast as it goes", source, shape, False)
        start, end = seen.watch.steady(COMPILED)
        measured = (end.sent - start.sent) / end.sent * source.records
        steady = measured / (end.at - start.at)
        cpu = (end.cpu - start.cpu) / (measured / 1e6)
        print(
            f"{source.records:,} events of {self.args.cards:,} cards in {seen.seconds:.1f} s,"
            f" {source.found.total():,} business events; load {os.getloadavg()[0]:.1f}\n"
            f"  steady events/s     {steady:>10,.0f}  (last sixth, {end.at - start.at:.0f} s;"
            f" the whole run {source.records / seen.seconds:,.0f}; aim {AIM[0]:,})\n"
            f"  CPU s per million   {cpu:>10.2f}\n"
            f"  memory, MiB         {seen.watch.peak_bytes / 2**20:>10,.0f}",
            flush=True,
        )
        self._check(source, work)
        self._show_state(seen)
        return steady

    def _make(self, name: str, shape: Shape) -> Input:
        """The events of a shape, in a folder of this name."""
        began = time.monotonic()
        source = generate(self.work / name, shape)
        self.making = 1.3 * (time.monotonic() - began) / shape.events
        return source

    def _show_state(self, seen: Seen) -> None:
        for share in (0.25, 0.5, 0.75):
            state = seen.around(share)
            keys = ", ".join(f"{name} {count:,}" for name, count in sorted(state.keys.items()))
            print(
                f"  state about {share * WINDOWS:.1f} windows: open keys {keys};"
                f" checkpoint {state.checkpoint / 2**20:.1f} MiB",
                flush=True,
            )
        half, end = seen.around(0.5), seen.around(0.75)
        for name, count in end.keys.items():
            if count > GROWTH * max(half.keys.get(name, 0), 1_000):
                self.failed.append(f"open keys of {name} grow: {half.keys.get(name)} to {count}")

    def latency(self, rate: float) -> None:
        """What Flink adds at a rate, in real time."""
        seconds, delay = self.args.seconds, timedelta(seconds=self.args.delay)
        events = int(rate * seconds / 1.1)
        window = max(2, round(IN_WINDOW * self.args.cards / rate)) * SECOND
        if not self.making:
            self._make("sample", Shape(SAMPLE, self.args.cards, START, rate / 1.1, window))
        made = timedelta(seconds=self.making * events)
        start = datetime.now(UTC) + made + STARTING
        shape = Shape(events, self.args.cards, start, rate / 1.1, window)
        source = self._make("paced-events", shape)
        left = (start - datetime.now(UTC)).total_seconds()
        if left < STARTING.total_seconds() / 2:
            raise SystemExit(
                f"this machine has become slower: the events were to begin in {left:.0f} s"
                " when they were made; run it again"
            )
        delays = {"WatermarkDelay": f"PT{self.args.delay}S"}
        seen, work = self._run("paced", source, shape, True, delays)
        print(
            f"{source.records:,} events, {rate:,.0f}/s for {seconds} s, window"
            f" {window.total_seconds():.1f} s, WatermarkDelay {self.args.delay} s:"
            f" beyond it, milliseconds (aim: p95 {AIM[1]})",
            flush=True,
        )
        for stream in ("business-events", "decisions"):
            half = np.concatenate([part[len(part) // 2 :] for part in times(work, stream)])
            beyond = half[:, 1] - source.passable(half[:, 0], delay // MILLISECOND)
            beyond = beyond[np.isfinite(beyond)]
            cuts = np.percentile(beyond, (50, 95, 99))
            print(
                f"  {stream:<17} p50 {cuts[0]:>5,.0f}  p95 {cuts[1]:>5,.0f}  p99 {cuts[2]:>5,.0f}"
                f"  max {beyond.max():>6,.0f}  ({len(beyond):,} rows)",
                flush=True,
            )
            if beyond.min() > LATE:
                self.failed.append(f"{stream}: the job began late, or {rate:,.0f}/s are too many")
        start_, end = seen.watch.steady()
        print(f"  cores in use        {(end.cpu - start_.cpu) / (end.at - start_.at):>10.2f}")
        self._check(source, work)

    def _run(
        self,
        name: str,
        source: Input,
        shape: Shape,
        paced: bool,
        parameters: dict[str, str] | None = None,
    ) -> tuple[Seen, Path]:
        work = self.work / name.replace(" ", "-")
        given = shape.parameters | (parameters or {})
        settings = dict(pair.split("=", 1) for pair in self.args.set)
        profiler = Profiler.into(self.args.profile, work.name)
        plan = Plan(name, source, given, paced, self.args.port, settings, profiler)
        return measure(plan, work), work

    def _check(self, source: Input, work: Path) -> None:
        for stream in ("business-events", "decisions"):
            count = sum(map(len, times(work, stream)))
            if count != source.found.total():
                self.failed.append(f"{stream}: {count:,} rows, must be {source.found.total():,}")


def main() -> int:
    """Runs both; 1 if a count is wrong or the state grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=6_000_000, help="distinct (%(default)s)")
    parser.add_argument("--cards", type=int, default=20_000, help="(%(default)s)")
    parser.add_argument("--rate", type=float, help="of the second run (half of the first's)")
    parser.add_argument("--seconds", type=int, default=120, help="of the second run (%(default)s)")
    parser.add_argument("--delay", type=int, default=5, help="WatermarkDelay, s (%(default)s)")
    parser.add_argument("--only", choices=("throughput", "latency"), help="one of the runs")
    add_option(parser, "the last sixth of each run")
    parser.add_argument("--port", type=int, default=18_082, help="of Flink's REST interface")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="of Flink's configuration"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sdp-patterns-") as folder:
        bench = Bench(args, Path(folder))
        rate = bench.throughput() / 2 if args.only != "latency" else 0.0
        if args.only != "throughput":
            bench.latency(args.rate or rate or 20_000)
    for problem in bench.failed:
        print(f"FAILED {problem}")
    return int(bool(bench.failed))


if __name__ == "__main__":
    sys.exit(main())
