"""Memory of the Flink process while keys come and go: flat once the first windows have passed.

    .venv/flink/bin/python -m bench.flat

The packaged SQL of `adtech` on a mini-cluster, as in bench/stream: two subtasks, RocksDB, and
checkpoints so close that each key is written to it. Every key is open for ten minutes of event
time, which go by in seconds. The first half of the records warms up; while the second half passes,
two million keys are opened and forgotten. Prints the resident memory of the process at each tenth
of that half, and compares every count with the truth.

Ends with 1 if one of these is more than 10 % from their mean, if fewer keys were forgotten than
two million, or if a count differs. Needs `make build`; about three minutes on two idle cores.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import fmean

from bench.stream import events, figures, run
from bench.stream.figures import HARSH, Figures, Plan
from bench.stream.versions import CURRENT
from bench.stream.watch import Sample

KEYS = 2_000_000
"""Whose window must have passed in the second half."""
ALLOWED = 0.1
PARTS = 10
NEEDED = int(2 * KEYS * events.PER_TX * 1.1) + 2 * events.OPEN_SECONDS * events.PER_SECOND


def tenths(found: Figures) -> list[Sample]:
    """The first sample at or behind the middle of the records, and at each tenth after it."""
    samples = found.watch.samples
    total = samples[-1].sent
    marks = [total / 2 * (1 + part / PARTS) for part in range(PARTS + 1)]
    return [next(s for s in samples if s.sent >= mark) for mark in marks]


def forgotten(records: int) -> int:
    """How many keys are opened and forgotten in the second half; one is open for OPEN_SECONDS."""
    return int((records / 2 - events.OPEN_SECONDS * events.PER_SECOND) / events.PER_TX)


def problems(found: Figures, wrong: int) -> list[str]:
    """Prints the memory; returns what does not hold."""
    seen = tenths(found)
    mean = fmean(s.memory for s in seen)
    for part, sample in enumerate(seen):
        print(
            f"  {50 + 50 * part / PARTS:>5.0f} % of the records  {sample.memory / 2**20:>8,.0f} MiB"
            f"  {sample.memory / mean - 1:>+7.1%}",
            flush=True,
        )
    failed = [
        f"the memory at {50 + 50 * part / PARTS:.0f} % is {sample.memory / mean - 1:+.1%} from the"
        f" mean, at most {ALLOWED:.0%} is allowed"
        for part, sample in enumerate(seen)
        if abs(sample.memory / mean - 1) > ALLOWED
    ]
    keys = forgotten(found.plan.source.records)
    print(
        f"  keys that were opened and forgotten meanwhile: {keys:,}; counts that differ: {wrong:,}"
    )
    if keys < KEYS:
        failed.append(f"only {keys:,} keys were forgotten, give more --events")
    return failed + ([f"{wrong:,} counts differ"] if wrong else [])


def main() -> int:
    """Runs it; 1 if the memory is not flat."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=NEEDED, help="records (%(default)s)")
    parser.add_argument("--port", type=int, default=18_083, help="of Flink's REST interface")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sdp-flat-") as folder:
        work = Path(folder)
        source = events.generate(work / "events", args.events)
        found = figures.measure(
            Plan("platform", CURRENT, source, HARSH, args.port), work / "platform"
        )
        found.show()
        aggregates = work / "platform" / "adtech" / "aggregates"
        failed = problems(found, run.differences(source.truth, aggregates))
    for problem in failed:
        print(f"FAILED {problem}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
