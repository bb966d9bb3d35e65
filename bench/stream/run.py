"""How many events a second the packaged application takes, beside its ancestor's topology.

`.venv/flink/bin/python bench/stream/run.py [--events N] [--ancestor-events N]` generates the input,
runs both on a mini-cluster (two subtasks, RocksDB, checkpoints every 10 s), checks every count of
the platform's reports against the truth, and fails if it is less than six times as fast.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import events
from watch import Watch

HERE = Path(__file__).resolve().parent
MUST = 6.0
CORES = 2
MEASURES = ("bids", "impressions", "clicks", "spend")


@dataclass(frozen=True)
class Figures:
    """What one run took."""

    records: int
    seconds: float
    watch: Watch

    @property
    def steady(self) -> float:
        """Events a second without start-up, compilation and the end."""
        start, end = self.watch.steady()
        return self._share() * self.records / (end.at - start.at)

    @property
    def cpu_per_million(self) -> float:
        """Processor seconds for a million events, in steady state."""
        start, end = self.watch.steady()
        return (end.cpu - start.cpu) / (self._share() * self.records / 1e6)

    def _share(self) -> float:
        start, end = self.watch.steady()
        return (end.sent - start.sent) / end.sent

    def show(self, name: str) -> None:
        """Prints them."""
        print(
            f"{name}: {self.records:,} events in {self.seconds:.1f} s\n"
            f"  events/s            {self.records / self.seconds:>12,.0f}\n"
            f"  steady events/s     {self.steady:>12,.0f}\n"
            f"  steady, per core    {self.steady / CORES:>12,.0f}\n"
            f"  CPU s per million   {self.cpu_per_million:>12.2f}\n"
            f"  peak memory, MiB    {self.watch.peak_bytes / 2**20:>12,.0f}\n"
            f"  state, MiB          {self.watch.state_bytes / 2**20:>12,.1f}"
            f"  ({self.watch.checkpoints} checkpoints)"
        )


def measure(topology: str, source: events.Input, work: Path, port: int) -> Figures:
    """Runs a topology in a process of its own. Raises RuntimeError with its log if it fails."""
    work.mkdir()
    watch, started = Watch(), time.monotonic()
    command = [sys.executable, HERE / "job.py", topology, source.folder, work, str(port)]
    env = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    with (
        (work / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=env) as job,
    ):
        while True:
            try:
                job.wait(0.5)
                break
            except subprocess.TimeoutExpired:
                watch.look(job.pid, f"http://127.0.0.1:{port}")
    if job.returncode:
        raise RuntimeError((work / "log").read_text()[-4000:])
    return Figures(source.records, time.monotonic() - started, watch)


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


def main() -> int:
    """Runs both; 1 if a count is wrong or the ratio too small."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=6_000_000)
    parser.add_argument("--ancestor-events", type=int, default=1_500_000)
    parser.add_argument("--port", type=int, default=18_081)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sdp-bench-") as folder:
        work = Path(folder)
        source = events.generate(work / "events", args.events)
        platform = measure("platform", source, work / "platform", args.port)
        platform.show("platform")
        wrong = differences(source.truth, work / "platform" / "adtech" / "aggregates")
        print(f"  counts that differ  {wrong:>12,} of {len(source.truth):,}")
        less = events.generate(work / "less", args.ancestor_events)
        ancestor = measure("ancestor", less, work / "ancestor", args.port)
        ancestor.show("ancestor")
    ratio = platform.steady / ancestor.steady
    print(f"ratio of events/s in steady state {ratio:.1f} (must be at least {MUST:g})")
    cpu = ancestor.cpu_per_million / platform.cpu_per_million
    print(f"ratio of CPU per event {cpu:.1f} (the same on a busy machine)")
    return int(wrong > 0 or ratio < MUST)


if __name__ == "__main__":
    sys.exit(main())
