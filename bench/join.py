"""The join of two series: in a job, its operator alone, and a plain loop of Python in memory.

    .venv/dev/bin/python -m bench.join

All take the same samples: of each of many machines two series, in turns, each 100 ms. Prints pairs
a second, and pairs a second of CPU, of

1. the job: the packaged SQL with RocksDB and two cores, from a recorded stream of two shards and no
   network, to pairs in JSON files. Once with the join alone, and once with everything that the use
   case makes of it: power, the report, dead letters, the ledger (written nowhere). The second half
   counts; the first one is for the JVM to compile what runs.
2. the operator with RocksDB, in one subtask and one thread of Flink's test harness, with records
   packed as a job has them, 5 s of samples that are not settled, and a checkpoint after each tenth.
   What a job adds for reading, the shuffle and writing is not in it. The second half counts.
3. the loop. It knows its samples to be in order, each at a time of its own: it waits for nothing,
   saves nothing and refuses nothing.

Ends with 1 if a pair is missing. `--profile` samples the second half of both jobs and shows where
their time goes. Needs `make build`, and about four minutes on idle cores.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.soak import classpath, openings
from bench.stream.profiler import Profiler, add_option
from bench.stream.watch import Job, Watch
from glue.instants import from_millis, to_wire

MAIN = "sdp.series.SeriesBench"
SHARDS, JOB_HEAP = 2, "3g"
SERIES = ("speed", "torque")
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


# the job ------------------------------------------------------------------------------------------


def record(folder: Path, samples: int, keys: int) -> None:
    """The samples as a stream of two shards, in the order of their time."""
    folder.mkdir()
    shards = [(folder / f"shardId-{shard:012d}").open("w") for shard in range(SHARDS)]
    for sample in range(samples):
        turn, key = divmod(sample, keys)
        if key == 0:
            at = to_wire(from_millis(START + turn * APART))
            times, series = f'"occurred_at":"{at}","received_at":"{at}"', SERIES[turn % 2]
        shards[key % SHARDS].write(
            f'{{"type":"measurement","event_id":"{sample:x}",{times},"thing":"thing-{key}",'
            f'"quantity":"{series}","result":{sample % 1_000}.0}}\n'
        )
    for shard in shards:
        shard.close()


@dataclass(frozen=True)
class Run:
    """A run of the packaged SQL over a recorded stream; `expected` is how many pairs there are."""

    name: str
    only_pairs: bool
    expected: int
    port: int

    def measure(self, source: Path, work: Path, profiler: Profiler | None) -> bool:
        """Prints its figures; whether each pair is there. Raises RuntimeError with its log."""
        watch, used = self._watched(source, work, profiler)
        written = sum(_lines(file) for file in (work / "machines" / "pairs").rglob("*"))
        start, end = watch.steady()
        pairs = self.expected * (end.sent - start.sent) / end.sent
        wall, cpu = end.at - start.at, end.cpu - start.cpu
        print(
            f"{self.name:<40}{pairs:12,.0f} pairs {pairs / wall:10,.0f} pairs/s "
            f"{pairs / cpu:10,.0f} pairs a second of CPU  ({cpu / wall:.1f} cores; all "
            f"{written:,} pairs in {used:.0f} s; {watch.peak_bytes >> 20:,} MiB; load "
            f"{os.getloadavg()[0]:.1f})",
            flush=True,
        )
        return written == self.expected

    def _watched(self, source: Path, work: Path, profiler: Profiler | None) -> tuple[Watch, float]:
        (work / "machines").mkdir(parents=True)
        (work / "machines" / "definitions.ndjson").write_text("")
        options = {"work": str(work), "input": str(source), "port": str(self.port)}
        options |= {"only_pairs": self.only_pairs}
        script, half = Path(__file__).with_name("join_job.py"), self.expected / 2
        watch = Watch()
        run = Job.of_script(self.name, script, options, work, JOB_HEAP, profiler, half)
        seconds = run.follow(lambda pid: watch.look(pid, f"http://127.0.0.1:{self.port}"))
        if profiler:
            profiler.show()
        return watch, seconds


def _lines(file: Path) -> int:
    if not file.is_file():
        return 0
    with file.open("rb") as lines:
        return sum(b'"final"' in line for line in lines)


def jobs(options: argparse.Namespace, folder: Path) -> bool:
    """Both runs of the job; whether all pairs are there."""
    source, expected = folder / "events", options.samples - options.keys
    record(source, options.samples, options.keys)
    complete = True
    for name, only in (("the job, the join alone:", True), ("the job, all of it:", False)):
        work = folder / ("join" if only else "all")
        profiler = Profiler.into(options.profile, f"join-{work.name}")
        run = Run(name, only, expected, options.port)
        complete = run.measure(source, work, profiler) and complete
    return complete


# all of them --------------------------------------------------------------------------------------


def main() -> int:
    """Runs all; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=4_000_000, help="in all (%(default)s)")
    parser.add_argument("--keys", type=int, default=1_000, help="machines (%(default)s)")
    parser.add_argument("--heap", default="1g", help="of the JVM (%(default)s)")
    parser.add_argument("--port", type=int, default=18_083, help="of Flink's REST interface")
    add_option(parser, "the second half of each job")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sdp-join-") as folder:
        complete = jobs(options, Path(folder))
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
    return code or int(not complete or pairs != options.samples - options.keys)


if __name__ == "__main__":
    sys.exit(main())
