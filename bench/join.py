"""The join of two series: its operator with RocksDB, beside a plain loop of Python in memory.

    .venv/dev/bin/python -m bench.join

Both take the same samples: of each of many machines two series, in turns, each 100 ms. The operator
is one subtask in one thread, with records packed as a job has them, 5 s of samples that are not
settled, and a checkpoint after each tenth. The loop knows its samples to be in order: it waits for
nothing, saves nothing and refuses nothing. Prints samples and pairs a second for each tenth, of
which the first ones are spent on compilation. Ends with 1 if a pair is missing.

Needs `make build`, and about two minutes on an idle core.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.soak import classpath, openings

MAIN = "sdp.series.SeriesBench"
START, APART, DISTANCE = 1_767_600_000_000, 50, 1_000


def joined(samples: int, keys: int) -> int:
    """How many pairs a loop finds."""
    names = [f"thing-{key}" for key in range(keys)]
    last: dict[str, list[tuple[int, float] | None]] = {}
    pairs, count = [], 0
    for sample in range(samples):
        turn, key = divmod(sample, keys)
        at, side, name = START + turn * APART, turn % 2, names[key]
        known = last.get(name)
        if known is None:
            known = last[name] = [None, None]
        partner = known[1 - side]
        if partner is not None and at - partner[0] <= DISTANCE:
            pairs.append((name, partner, at, sample % 1_000))
            if len(pairs) == 100_000:
                count += len(pairs)
                pairs.clear()
        known[side] = at, float(sample % 1_000)
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
    started = time.perf_counter()
    pairs = joined(options.samples, options.keys)
    seconds = time.perf_counter() - started
    print(f"a loop of Python in memory: {pairs / seconds:,.0f} pairs/s")
    return code


if __name__ == "__main__":
    sys.exit(main())
