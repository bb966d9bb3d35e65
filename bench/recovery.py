"""How long until results go on after a kill -9 of the Flink process, and where the time goes?

    .venv/dev/bin/python -m bench.recovery --rate 500 --kills 3

Needs a running platform (`make up`). Events are sent through the API at a steady rate, and the
process of the job is killed again and again. From the kill on the events are of a campaign that
nothing was sent of before: the first result is the first version of its aggregates in a report,
so it cannot have left before the kill. Prints each phase of each kill and their medians:

  noticed        until the worker has started the job's process again
  process        until the JVM's REST interface has a job: the JVM starts, and reads the plan
  running        until every task runs, its state restored
  first result   until a result is on the stream of the aggregates
  stored         until the report shows it

Ends with 1 if the median of their sum is above 30 s, or if a count is not what was accepted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import psutil

from bench import deployed
from sdpctl.local import aws, flink_status
from sdpctl.local.outputs import Outputs
from sdpctl.local.processes import Service
from sdpctl.settings import Settings

LIMIT = 30.0
PATIENCE = 600.0
LOOK_EVERY = 0.05
BATCH = 50
PHASES = ("noticed", "process", "running", "first result", "stored")


def wait(condition: Callable[[], Any], what: str, every: float = LOOK_EVERY) -> Any:
    """The condition's value once it has one; ends the program if that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(every)
    raise SystemExit(f"{what}: not within {PATIENCE:.0f} s")


@dataclass
class Load:
    """Bids at a steady rate, whatever happens; `campaign` may change at any time."""

    found: Outputs
    rate: float
    campaign: int
    accepted: Counter[int] = field(default_factory=Counter)
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Send until `end`; what is not accepted is sent again as it is."""
        due = time.monotonic()
        with httpx.Client(headers={"x-api-key": self.found.api_key}, timeout=60) as http:
            while not self._ended.is_set():
                self._send(http, self.campaign)
                due += BATCH / self.rate
                self._ended.wait(due - time.monotonic())

    def _send(self, http: httpx.Client, campaign: int) -> None:
        body = [_bid(campaign) for _ in range(BATCH)]
        while http.post(f"{self.found.url_for_api}/events", json=body).status_code != 202:
            time.sleep(0.2)
        self.accepted[campaign] += BATCH

    def end(self) -> None:
        """Send no more."""
        self._ended.set()


def _bid(campaign: int) -> dict[str, Any]:
    return {
        "type": "bid",
        "tx_id": uuid.uuid4().hex,
        "app_uid": "bench",
        "campaign_item_id": campaign,
        "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


@dataclass(frozen=True)
class Platform:
    """The running platform, seen from outside."""

    settings: Settings
    found: Outputs
    application: str

    @property
    def service(self) -> Service:
        """Of the job: its JVM."""
        return flink_status.service(self.settings, self.application)

    def bids(self, campaign: int) -> int:
        """What the report counts."""
        url = f"{self.found.url_for_reports}/reports/campaigns/{campaign}"
        answer = httpx.get(url, headers={"x-api-key": self.found.api_key}, timeout=60)
        return int(answer.json()["bids"]) if answer.status_code == 200 else 0

    def kill(self) -> float:
        """`kill -9` of the JVM; the time of it."""
        process = wait(self.service.process, "a process of the job")
        at = time.time()
        process.kill()
        return at

    def restarted(self, before: int) -> float:
        """When the worker started the next process."""

        def look() -> float:
            process = self.service.process()
            return process.create_time() if process and process.pid != before else 0.0

        return float(wait(look, "a new process of the job"))

    def job(self) -> tuple[float, float]:
        """When the job was there, and when all of its tasks ran."""
        at = self._since(flink_status.jobs, "a job")
        return at, self._since(flink_status.running, "a job that runs")

    def _since(self, look: Callable[[Settings, str], Any], what: str) -> float:
        return float(wait(lambda: look(self.settings, self.application) and time.time(), what))

    def arrival(self, campaign: int, since: float) -> float:
        """When the first row of a campaign arrived on the stream of the aggregates."""
        kinesis = aws.client(self.settings, "kinesis")
        names = [n for n in kinesis.list_streams()["StreamNames"] if n.endswith("-aggregates")]
        found = [
            at
            for name in names
            for shard in kinesis.list_shards(StreamName=name)["Shards"]
            for at, row in _records(kinesis, name, shard["ShardId"], since)
            if row["campaign_item_id"] == campaign
        ]
        return min(found)


def _records(
    kinesis: Any, stream: str, shard: str, since: float
) -> list[tuple[float, dict[str, Any]]]:
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=since
    )["ShardIterator"]
    found = []
    while iterator:
        page = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
        found += [
            (r["ApproximateArrivalTimestamp"].timestamp(), json.loads(r["Data"]))
            for r in page["Records"]
        ]
        if not page["Records"] and not page["MillisBehindLatest"]:
            break
        iterator = page.get("NextShardIterator")
        time.sleep(0.3)  # a shard serves five reads a second, to all its readers
    return found


def measure(platform: Platform, load: Load) -> dict[str, float]:
    """Kill once; the seconds of each phase."""
    warm = load.campaign
    wait(lambda: platform.bids(warm), "a first result", 0.5)
    before = wait(platform.service.process, "a process of the job").pid
    killed = platform.kill()
    load.campaign += 1
    times = [killed, platform.restarted(before), *platform.job()]
    stored = wait(lambda: platform.bids(load.campaign) and time.time(), "a result")
    times += [platform.arrival(load.campaign, killed), stored]
    return {name: max(0.0, times[n + 1] - max(times[: n + 1])) for n, name in enumerate(PHASES)}


def show(title: str, phases: dict[str, float]) -> None:
    """Print one line."""
    parts = "  ".join(f"{name} {seconds:5.1f}" for name, seconds in phases.items())
    load = " ".join(f"{one:.1f}" for one in psutil.getloadavg()[:2])
    sys.stdout.write(f"{title}: {sum(phases.values()):5.1f} s = {parts}  (load {load})\n")
    sys.stdout.flush()


def audit(platform: Platform, load: Load) -> int:
    """How many campaigns' bids are not, within the time there is, what was accepted."""
    wrong = 0
    for campaign, expected in load.accepted.items():
        deadline = time.monotonic() + PATIENCE
        while (bids := platform.bids(campaign)) != expected and time.monotonic() < deadline:
            time.sleep(0.5)
        if bids != expected:
            wrong += 1
            sys.stdout.write(f"campaign {campaign}: {bids} bids, {expected} were accepted\n")
    return wrong


def main() -> int:
    """Kill, print, compare; 1 if it takes too long or a count is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=500, help="events/s (%(default)s)")
    parser.add_argument("--kills", type=int, default=3, help="one after the other (%(default)s)")
    options = parser.parse_args()
    settings = Settings.load()
    found = deployed.platform(settings)
    platform = Platform(settings, found, found.topology.application(deployed.USE_CASE))
    load = Load(platform.found, options.rate, int(time.time()) * 100)
    sender = threading.Thread(target=load.run)
    sender.start()
    try:
        phases = []
        for number in range(options.kills):
            phases.append(measure(platform, load))
            show(f"kill {number + 1}", phases[-1])
    finally:
        load.end()
        sender.join()
    median = {name: statistics.median(p[name] for p in phases) for name in PHASES}
    show("median of each", median)
    wrong = audit(platform, load)
    total = statistics.median(sum(p.values()) for p in phases)
    sys.stdout.write(
        f"first result after {total:.1f} s (median; at most {LIMIT:g});"
        f" {sum(load.accepted.values()):,} events accepted, {wrong} counts differ\n"
    )
    return int(total > LIMIT or wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
