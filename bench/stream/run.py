"""How many events a second the packaged application takes, beside its ancestor's topology.

Both read generated events with the connector's own source, from files instead of the network, on a
mini-cluster: two subtasks, RocksDB, checkpoints every 10 s, aggregates to files, the other results
nowhere. Event time runs at 1,000 events a second, window and bucket are five minutes as they are
in the ancestor; lateness, which it does not have, is five minutes, so ours remembers 600,000 events
and the ancestor 300,000 to 600,000. What is measured is the second half of each run: start-up and
compilation are over by then, and state that is forgotten makes room for new one.

Every count of the platform's reports is checked against the truth. Ends with 1 if one differs, or
if the platform is less than six times as fast as the ancestor.
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

from bench.stream import events, job
from bench.stream.watch import Watch

ROOT = Path(__file__).resolve().parents[2]
MUST = 6.0
CORES = 2
HEAP = "3g"
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
    command = [sys.executable, "-m", "bench.stream.job", topology]
    command += [str(source.folder), str(work), str(port)]
    options = f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} -Xmx{HEAP}"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "JAVA_TOOL_OPTIONS": options}
    with (
        (work / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=env) as job,
    ):
        while True:
            try:
                job.wait(1)
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


def arguments() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=6_000_000, help="for the platform")
    parser.add_argument("--ancestor-events", type=int, default=1_200_000, help="for the ancestor")
    parser.add_argument("--port", type=int, default=18_081, help="of Flink's REST interface")
    return parser.parse_args()


def main() -> int:
    """Runs both; 1 if a count is wrong or the ratio too small."""
    args = arguments()
    print(
        f"event time {events.PER_SECOND:,} events/s, shuffled {events.SHUFFLE_MS // 1000} s, 10 % "
        f"twice; {events.CAMPAIGNS:,} campaigns; {job.PARAMETERS}; "
        f"heap {HEAP}, managed memory {job.MANAGED_MEMORY}"
    )
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
