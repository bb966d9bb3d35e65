"""How much the packaged application does with two cores, beside an earlier version and an ancestor.

All read generated events with the connector's own source, from files instead of the network, on a
mini-cluster: two subtasks, RocksDB, aggregates to files, the other results nowhere. Event time
runs at 1,000 events/s, window and bucket are five minutes as they are in the ancestor; lateness,
which it does not have, is five minutes, so the platform remembers 600,000 events and the ancestor
300,000 to 600,000. What is measured is the second half of each run: by then start-up and most of
the compilation are over, and state that is forgotten makes room for new one.

Each of the platform and its baseline, a commit that is built in a folder of its own, runs twice:
with checkpoints every 60 s, as in production, where most keys close before one is taken, and in
the harsh case with checkpoints so close that each key is written to RocksDB. Every count of the
reports is compared with the truth.

Ends with 1 if a count differs, or if the CPU of an event is not at least 4 times less than the
baseline's (harsh: 3 times) and 20 times less than the ancestor's. Fewer --events are for trying:
their ratios are printed and not judged.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.stream import events, figures, job, versions
from bench.stream.figures import HARSH, PRODUCTION, Case, Figures, Plan
from bench.stream.profiler import Profiler, add_option
from bench.stream.versions import CURRENT, Version

EVENTS = 18_000_000
BASELINE_SHARE = 3
ANCESTOR_SHARE = 15
BASELINE = "d176ae5"
MUST = {PRODUCTION: 4.0, HARSH: 3.0}
MUST_ANCESTOR = 20.0
MEASURES = ("bids", "impressions", "clicks", "spend")


def differences(truth: events.Counts, aggregates: Path) -> int:
    """How many (campaign, bucket, measure) differ from the truth."""
    newest: dict[tuple[int, int], dict[str, int]] = {}
    for part in aggregates.rglob("part-*"):
        for line in part.read_text().splitlines():
            row = json.loads(line)
            key = row["campaign_item_id"], row["period"]
            if row["version"] > newest.get(key, {"version": 0})["version"]:
                newest[key] = row
    found = Counter({(*key, name): row[name] for key, row in newest.items() for name in MEASURES})
    return sum(found[key] != truth[key] for key in found.keys() | truth.keys())


@dataclass
class Bench:
    """Runs one after the other in a folder of their own; remembers what fails."""

    args: argparse.Namespace
    work: Path
    failed: list[str] = field(default_factory=list)

    def run(self, version: Version, source: events.Input, case: Case) -> Figures:
        """Measures the SQL of a version and compares its counts with the truth."""
        name = f"{'platform' if version is CURRENT else 'baseline'}-{case.name}"
        profiler = Profiler.into(self.args.profile, name)
        model = self.args.model if version is CURRENT else None
        plan = Plan("platform", version, source, case, self.args.port, profiler, model)
        found = figures.measure(plan, self.work / name)
        found.show()
        wrong = differences(source.truth, self.work / name / "adtech" / "aggregates")
        print(f"  counts that differ  {wrong:>12,} of {len(source.truth):,}", flush=True)
        if wrong:
            self.failed.append(f"{plan.title}: {wrong} counts differ")
        if case is HARSH and found.open_seconds < case.checkpoint_seconds:
            print("  not every key was open at a checkpoint: use a shorter interval")
        return found

    def ancestor(self) -> Figures:
        """Measures the ancestor's topology, with fewer events: it is slow."""
        source = events.generate(self.work / "least", self.args.events // ANCESTOR_SHARE)
        plan = Plan("ancestor", CURRENT, source, PRODUCTION, self.args.port)
        found = figures.measure(plan, self.work / "ancestor")
        found.show()
        return found

    def compare(self, ours: Figures, other: Figures, must: float) -> None:
        """Prints how much faster and cheaper the platform is."""
        cpu = other.cpu_per_million / ours.cpu_per_million
        title = f"{ours.plan.case.name}, beside {other.plan.title.split(',')[0]}"
        print(
            f"{title}: {ours.steady / other.steady:.1f} times the events/s, {cpu:.1f} times less"
            f" CPU for an event (at least {must:g})",
            flush=True,
        )
        if cpu < must and self.args.events >= EVENTS:
            self.failed.append(f"{title}: {cpu:.1f} times less CPU, at least {must:g} wanted")


def compare_all(bench: Bench, baseline: Version | None) -> None:
    """Runs the platform, the baseline and the ancestor, and compares them."""
    args = bench.args
    source = events.generate(bench.work / "events", args.events)
    ours = {case: bench.run(CURRENT, source, case) for case in MUST}
    less = events.generate(bench.work / "less", args.events // BASELINE_SHARE)
    before = {case: bench.run(baseline, less, case) for case in MUST} if baseline else {}
    ancestor = bench.ancestor() if args.ancestor else None
    for case, found in before.items():
        bench.compare(ours[case], found, MUST[case])
    if ancestor:
        bench.compare(ours[PRODUCTION], ancestor, MUST_ANCESTOR)


def arguments() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--events",
        type=int,
        default=EVENTS,
        help="for the platform (default: %(default)s); a third for the baseline, a fifteenth for"
        " the ancestor. 600000 is the least that remembers and forgets keys",
    )
    parser.add_argument(
        "--baseline",
        metavar="COMMIT",
        default=BASELINE,
        help="the commit to compare with, or 'none' (default: %(default)s)",
    )
    parser.add_argument(
        "--no-ancestor", dest="ancestor", action="store_false", help="leave the ancestor out"
    )
    add_option(parser, "the second half of each run of platform and baseline")
    parser.add_argument(
        "--model",
        metavar="FILE",
        type=lambda name: Path(name).resolve(),
        help="the graph (model.onnx) of an ad-tech model, by which the platform scores every"
        " transaction; without it there is no model",
    )
    parser.add_argument("--port", type=int, default=18_081, help="of Flink's REST interface")
    return parser.parse_args()


def main() -> int:
    """Runs all; 1 if a count is wrong or a ratio too small."""
    args = arguments()
    # ended from outside it still removes its folder and the checkout of the baseline
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(
        f"event time {events.PER_SECOND:,} events/s, shuffled {events.SHUFFLE_MS // 1000} s, 10 % "
        f"twice; {events.CAMPAIGNS:,} campaigns; {job.PARAMETERS}; "
        f"heap {figures.HEAP}, managed memory {job.MANAGED_MEMORY}",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="sdp-bench-") as folder, ExitStack() as stack:
        work = Path(folder)
        bench, baseline = Bench(args, work), None
        if args.baseline != "none":
            baseline = stack.enter_context(versions.built(args.baseline, work / "baseline"))
        compare_all(bench, baseline)
    for problem in bench.failed:
        print(f"FAILED {problem}")
    return int(bool(bench.failed))


if __name__ == "__main__":
    sys.exit(main())
