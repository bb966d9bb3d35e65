"""The join of two series: its operator with RocksDB, beside a plain loop of Python in memory.

    .venv/dev/bin/python -m bench.join

Both take the same samples: of each of many machines two series, in turns, each 100 ms. The operator
is one subtask in one thread, with records packed as a job has them, 5 s of samples that are not
settled, and a checkpoint after each tenth. It is in Flink's test harness: what a job adds for
reading, the shuffle and writing is not measured. The loop knows its samples to be in order, each
at a time of its own: it waits for nothing, saves nothing and refuses nothing. Prints pairs a second
and pairs a second of CPU for each tenth, of which the first ones are spent on compilation, for the
operator's second half and for the loop. Ends with 1 if a pair is missing.

Needs `make build`, and about a minute on an idle core.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.soak import classpath, openings

MAIN = "sdp.series.SeriesBench"
START, APART, DISTANCE = 1_767_600_000_000, 50, 1_000


@dataclass
class Machine:
    """What the loop knows of a machine.

    `run` are the newest samples of one series, as time and value; `before` is the last one of the
    other series.
    """

    side: int = 0
    run: list[tuple[int, float]] = field(default_factory=list)
    before: tuple[int, float] | None = None


def joined(samples: int, keys: int) -> int:
    """How many pairs the loop finds."""
    machines = {f"thing-{key}": Machine() for key in range(keys)}
    names = list(machines)
    pairs, count = [], 0
    for sample in range(samples):
        turn, key = divmod(sample, keys)
        at, side, name = START + turn * APART, turn % 2, names[key]
        machine = machines[name]
        if side != machine.side and machine.run:
            for other in machine.run:  # it is their next one
                if at - other[0] <= DISTANCE:
                    pairs.append((name, other, at, sample % 1_000))
            machine.before = machine.run[-1]
            machine.run = []
        elif machine.before is not None and at - machine.before[0] <= DISTANCE:
            pairs.append((name, machine.before, at, sample % 1_000))
        machine.side = side
        machine.run.append((at, float(sample % 1_000)))
        if len(pairs) >= 100_000:
            count += len(pairs)
            pairs.clear()
    return count + len(pairs)


def main() -> int:
    """Runs both; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=5_000_000, help="in all (%(default)s)")
    parser.add_argument("--keys", type=int, default=1_000, help="machines (%(default)s)")
    parser.add_argument("--heap", default="1g", help="of the JVM (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sdp-join-") as folder:
        java = ["java", f"-Xmx{options.heap}", *openings(), "-cp", classpath(Path(folder))]
        code = subprocess.run(
            [*java, MAIN, str(options.samples), str(options.keys), folder], check=False
        ).returncode
    started, used = time.perf_counter(), time.process_time()
    pairs = joined(options.samples, options.keys)
    seconds, used = time.perf_counter() - started, time.process_time() - used
    rates = f"{pairs / seconds:10,.0f} pairs/s {pairs / used:10,.0f} pairs a second of CPU"
    print(f"a loop of Python in memory:             {pairs:12,} pairs {rates}")
    return code or int(pairs != options.samples - options.keys)


if __name__ == "__main__":
    sys.exit(main())
