"""Does the platform hold its own maximum? Minutes of events through the API, as fast as it answers.

    .venv/dev/bin/python -m bench.sustained --minutes 5

Needs a running platform (`make up`). Each connection sends auctions (a bid, its impression, for one
in four a click) in batches of 500 events, the next batch when one is answered; a batch that is not
accepted whole is sent again as it is. Prints events/s and the resident memory of each part of the
platform every half minute, and how far the reports are behind at the end.

Ends with 1 if a report is not what was accepted, or if the memory of a part, in the last third of
the run, is more than a fifth above that of the third before. The emulator is not judged: it keeps
the records of all streams in memory until they expire, so what it keeps of an event is printed.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from statistics import fmean
from typing import Any

import httpx
import psutil

from bench import deployed
from sdpctl.local import emulator, workers
from sdpctl.local.delivery import service as delivery
from sdpctl.local.outputs import Outputs
from sdpctl.settings import Settings

BATCH = 500
CAMPAIGNS = 20
MEASURES = ("bids", "impressions", "clicks", "spend")
PATIENCE = 900.0
LOOK_EVERY = 2.0
SHOW_EVERY = 30.0
GROWTH = 1.2

Counts = Counter[tuple[int, str]]


def auctions(first: int, numbers: count[int]) -> tuple[list[dict[str, Any]], Counts]:
    """A batch of at most 500 events, and what the reports count of it."""
    events: list[dict[str, Any]] = []
    counts: Counts = Counter()
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    for number in numbers:
        key, campaign, price = uuid.uuid4().hex, first + number % CAMPAIGNS, number % 97
        bid = {"type": "bid", "app_uid": "bench", "campaign_item_id": campaign}
        made: list[dict[str, Any]] = [bid, {"type": "imp", "win_price": price}, {"type": "click"}]
        made = made[: 3 if number % 4 == 0 else 2]
        if len(events) + len(made) > BATCH:
            break
        events += [{**event, "tx_id": key, "occurred_at": at} for event in made]
        counts.update(dict.fromkeys([(campaign, name) for name in MEASURES[: len(made)]], 1))
        counts[campaign, "spend"] += price
    return events, counts


@dataclass
class Load:
    """Connections that send as fast as they are answered; `accepted` is what must be counted."""

    found: Outputs
    first: int
    accepted: Counts = field(default_factory=Counter)
    events: int = 0
    again: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """One connection, until `end`."""
        numbers = count(1)
        with httpx.Client(headers={"x-api-key": self.found.api_key}, timeout=60) as http:
            while not self._ended.is_set():
                events, counts = auctions(self.first, numbers)
                self._send(http, events)
                with self._lock:
                    self.accepted.update(counts)
                    self.events += len(events)

    def _send(self, http: httpx.Client, events: list[dict[str, Any]]) -> None:
        while (answer := self._post(http, events)) != "202":
            with self._lock:
                self.again[answer] += 1
            time.sleep(0.2)

    def _post(self, http: httpx.Client, events: list[dict[str, Any]]) -> str:
        try:
            return str(http.post(f"{self.found.url_for_api}/events", json=events).status_code)
        except httpx.TransportError as error:
            return type(error).__name__

    def end(self) -> None:
        """Send no more after the batches that are on their way."""
        self._ended.set()


@dataclass
class Memory:
    """The resident memory of the platform's parts, in MiB, over time."""

    settings: Settings
    samples: dict[str, list[float]] = field(default_factory=dict)

    def look(self) -> None:
        """Take a sample of each part."""
        own = emulator.service(self.settings).process()
        parts = {
            "emulator": _resident(own),
            "functions": (emulator.service(self.settings).resident() or 0) - _resident(own),
            "Flink": sum(job.resident() or 0 for job in workers.jobs(self.settings)),
            "workers": _resident(workers.service(self.settings).process()),
            "delivery": delivery.service(self.settings).resident() or 0,
        }
        for name, size in parts.items():
            self.samples.setdefault(name, []).append(size / 2**20)

    def show(self) -> str:
        """The newest sample."""
        return ", ".join(f"{name} {values[-1]:,.0f}" for name, values in self.samples.items())

    def growth(self) -> dict[str, float]:
        """The mean of each part's last third, as a ratio to that of its first, past the start."""
        return {name: _growth(values) for name, values in self.samples.items()}


def _growth(values: list[float]) -> float:
    third = max(1, len(values) // 3)
    return fmean(values[-third:]) / max(1.0, fmean(values[third : 2 * third]))


def _resident(process: psutil.Process | None) -> int:
    """Of the process alone, in bytes: what it started is not of it."""
    with suppress(psutil.Error):
        return int(process.memory_info().rss) if process else 0
    return 0


def watch(load: Load, memory: Memory, seconds: float) -> float:
    """Print progress until the time is over; the events/s of the whole."""
    started = shown = time.monotonic()
    before = 0
    while (now := time.monotonic()) - started < seconds:
        memory.look()
        if now - shown >= SHOW_EVERY:
            rate = (load.events - before) / (now - shown)
            print(
                f"{now - started:5.0f} s  {rate:8,.0f} events/s  MiB: {memory.show()}", flush=True
            )
            shown, before = now, load.events
        time.sleep(LOOK_EVERY)
    return load.events / (time.monotonic() - started)


def differences(load: Load) -> list[str]:
    """The counts of the reports that are not what was accepted."""
    found: list[str] = []
    with httpx.Client(headers={"x-api-key": load.found.api_key}, timeout=60) as http:
        for campaign in sorted({campaign for campaign, _ in load.accepted}):
            url = f"{load.found.url_for_reports}/reports/campaigns/{campaign}"
            answer = http.get(url)
            row = answer.json() if answer.status_code == 200 else {}
            found += [
                f"campaign {campaign}: {name} {row.get(name, 0)}, accepted {expected}"
                for name in MEASURES
                if row.get(name, 0) != (expected := load.accepted[campaign, name])
            ]
    return found


def settle(load: Load) -> tuple[float, list[str]]:
    """Seconds until the reports are what was accepted, and what differs when patience ends."""
    started = time.monotonic()
    while (found := differences(load)) and time.monotonic() - started < PATIENCE:
        time.sleep(0.5)
    return time.monotonic() - started, found


def main() -> int:
    """Send, print, compare; 1 if a count differs or memory grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5, help="(%(default)s)")
    parser.add_argument("--connections", type=int, default=4, help="at once (%(default)s)")
    options = parser.parse_args()
    settings = Settings.load()
    load = Load(deployed.platform(settings), int(time.time()) * 100)
    memory = Memory(settings)
    senders = [threading.Thread(target=load.run) for _ in range(options.connections)]
    for sender in senders:
        sender.start()
    try:
        rate = watch(load, memory, options.minutes * 60)
    finally:
        load.end()
        for sender in senders:
            sender.join()
    seconds, wrong = settle(load)
    growth = memory.growth()
    kept = memory.samples["emulator"][-1] - memory.samples["emulator"][0]
    print(f"{load.events:,} events accepted, {rate:,.0f}/s; sent again: {dict(load.again)}")
    print(f"the emulator keeps {kept * 2**20 / max(1, load.events):,.0f} bytes for an event")
    print("memory, last third to the one before the last: " + _ratios(growth))
    print(f"reports: {len(wrong)} of {len(load.accepted)} counts differ, {seconds:.1f} s after")
    for line in wrong[:10]:
        print(f"  {line}")
    grown = [n for n, ratio in growth.items() if ratio > GROWTH and n != "emulator"]
    if grown:
        print(f"FAILED memory of {', '.join(grown)} grew")
    return int(bool(wrong or grown))


def _ratios(growth: dict[str, float]) -> str:
    return ", ".join(f"{name} {ratio:.2f}" for name, ratio in growth.items())


if __name__ == "__main__":
    sys.exit(main())
