"""How many records a second the connector reads from Kinesis and writes to it, beside plain loops?

    .venv/dev/bin/python -m bench.connector.run --records 200000

An emulator of its own has streams of sixteen shards: the source reads at most what Kinesis serves
of a shard (1.5 MiB a second, 5,000 of these records), and the loop would win by reading faster than
AWS allows. The same events are written by a loop
of PutRecords of the AWS SDK for Java (two threads, 500 records a call) and by the connector's sink
in a Flink job of two subtasks, with the options that the application has; then both streams are
read by a loop of GetRecords and by the connector's source. The loops move bytes; the jobs parse and
write JSON as well. Each process warms up first with a tenth of the records and then with as many
as are measured: a job of seconds is otherwise mostly the JVM's compiler at work.

The emulator is one process of Python and the bottleneck of all four, so records/s say whether the
connector keeps it as busy as a loop does; CPU says what it would cost where Kinesis has no limit.
Ends with 1 if a record is missing or if the connector has less than half of a loop's records/s.
Fewer --records than the default are for trying: what is compiled then is the start, so their ratio
is printed and not judged.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.stream import events
from bench.stream.events import Input
from bench.stream.versions import CURRENT, ROOT
from sdpctl.local import aws, emulator
from sdpctl.settings import Settings

RECORDS = 400_000
SHARDS = 16  # of a stream
MUST = 0.5
SECONDS = 600  # for a process, after which it has hung
LOOPS = Path(__file__).with_name("Loops.java")
LEGS = ("write", "read")
SIZES = ("few", "warm", "many")  # the streams of one process in their order; the last is measured


@dataclass(frozen=True)
class Leg:
    """What a process took for the records that are measured."""

    records: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds

    def show(self, title: str) -> None:
        """Print one line."""
        cpu = self.cpu / self.records * 1e6
        say(f"  {title:<22} {self.rate:>10,.0f} records/s {cpu:>8.1f} µs CPU a record")


@dataclass(frozen=True)
class Bench:
    """An emulator, a folder, and the events: few to warm up, many to measure."""

    settings: Settings
    work: Path
    few: Input
    many: Input

    def loop(self, leg: str, name: str) -> Leg:
        """A loop of the SDK over the streams of that name."""
        flink = next(self.settings.python("flink").parents[1].glob("lib/*/site-packages/pyflink"))
        classes = f"{CURRENT.target / 'sdp.jar'}:{flink / 'lib'}/*"  # Flink has the SDK's logger
        return self._run(["java", "-cp", classes, str(LOOPS), leg, *self._pairs(name)])

    def connector(self, leg: str, name: str) -> Leg:
        """A job over the streams of that name."""
        python = str(self.settings.python("flink"))
        job = [python, "-m", "bench.connector.job", leg, str(self.work), *self._pairs(name)]
        return self._run(job)

    def _pairs(self, name: str) -> list[str]:
        folders = {"few": self.few, "warm": self.many, "many": self.many}
        return [part for size in SIZES for part in (f"{name}_{size}", str(folders[size].folder))]

    def _run(self, command: list[str]) -> Leg:
        env = {**self.settings.aws_environment(), "PYTHONPATH": str(ROOT)}
        env["PATH"] = f"{self.settings.python('flink').parent}{os.pathsep}{env['PATH']}"
        scratch = f"-Djava.io.tmpdir={self.work}"  # where Flink leaves its files
        env["JAVA_TOOL_OPTIONS"] = f"{env.get('JAVA_TOOL_OPTIONS', '')} {scratch}"
        env["HADOOP_CLASSPATH"] = f"{CURRENT.target / 'sdp.jar'}:{CURRENT.target / 'test-classes'}"
        done = subprocess.run(
            command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or len(lines) < len(SIZES):
            raise SystemExit(f"{' '.join(command)}\n{(done.stdout + done.stderr)[-4000:]}")
        found = json.loads(lines[-1])
        return Leg(self.many.records, found["seconds"], found["cpu"])

    def create(self, name: str) -> None:
        """The streams of that name."""
        kinesis = aws.client(self.settings, "kinesis")
        for size in SIZES:
            kinesis.create_stream(StreamName=f"{name}_{size}", ShardCount=SHARDS)

    def missing(self, name: str) -> int:
        """How many of the events that were written are not in the stream; repeated ones count."""
        return len(_ids(self.many.folder)) - len(self._stored(f"{name}_many"))

    def _stored(self, stream: str) -> set[str]:
        kinesis = aws.client(self.settings, "kinesis")
        found: set[str] = set()
        for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
            for record in _records(kinesis, stream, shard["ShardId"]):
                found.add(json.loads(record["Data"])["event_id"])
        return found


def _ids(folder: Path) -> set[str]:
    return {
        json.loads(line)["event_id"]
        for path in folder.iterdir()
        for line in path.read_text().splitlines()
    }


def _records(kinesis: Any, stream: str, shard: str) -> Iterator[dict[str, Any]]:
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    while iterator:
        try:
            page = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
        except kinesis.exceptions.ProvisionedThroughputExceededException:
            continue
        yield from page["Records"]
        if not page["MillisBehindLatest"]:
            return
        iterator = page.get("NextShardIterator")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def compare(bench: Bench, leg: str) -> float:
    """One leg by loop and connector; the ratio of their records/s."""
    loop = bench.loop(leg, "loop")
    loop.show(f"{leg}, loop of the SDK")
    connector = bench.connector(leg, "connector")
    connector.show(f"{leg}, connector")
    say(f"  {leg}, ratio: {connector.rate / loop.rate:.2f} (at least {MUST:g})")
    return connector.rate / loop.rate


def main() -> int:
    """Print the figures; 1 if the connector is slow or loses a record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=RECORDS, help="for a leg (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sdp-bench-") as folder:
        work = Path(folder)
        few = events.generate(work / "few", options.records // 10)
        many = events.generate(work / "many", options.records)
        with emulator.alone(work / "home") as settings:
            bench = Bench(settings, work, few, many)
            for name in ("loop", "connector"):
                bench.create(name)
            load = " ".join(f"{one:.1f}" for one in psutil.getloadavg()[:2])
            say(f"{many.records:,} records, load of the machine {load}")
            ratios = [compare(bench, leg) for leg in LEGS]
            missing = bench.missing("connector")
    load = " ".join(f"{one:.1f}" for one in psutil.getloadavg()[:2])
    say(f"  {missing} events that the connector wrote are missing; load at the end {load}")
    slow = min(ratios) < MUST and options.records >= RECORDS
    return int(slow or missing != 0)


if __name__ == "__main__":
    raise SystemExit(main())
