"""A flood at the ingestion API: clients that give up early and try again at once.

    .venv/dev/bin/python -m bench.flood --connections 8 --timeout 0.3 --seconds 20

Needs a running platform (`make up`). Each connection sends one event after the other, each until it
is answered with 202, without heeding Retry-After. Prints the answers by status, what reports took
beside it (p50, p99), the seconds until the platform answers as before, and the most processes and
memory of the emulator with its functions. Every event has been accepted in the end: the report's
count must be theirs.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import psutil

from bench import deployed
from sdpctl.local import emulator
from sdpctl.settings import Settings

GENEROUS = 60.0  # seconds for an answer beside the flood and after it
GAP = 0.1  # seconds between two reports, and between two attempts after the flood


@dataclass
class Figures:
    """What a flood did. `answers` are by status, or by the name of what came in place of one."""

    campaign: int
    answers: Counter[str] = field(default_factory=Counter)
    accepted: list[str] = field(default_factory=list)
    reports: list[tuple[str, float]] = field(default_factory=list)
    recovery: float = 0.0
    processes: Counter[str] = field(default_factory=Counter)
    memory: int = 0


@dataclass(frozen=True)
class Flood:
    """Eight connections of a client with little patience, and one that reads reports."""

    api: str
    reports: str
    key: str
    processes: Callable[[], list[psutil.Process]]
    connections: int = 8
    timeout: float = 0.3

    def run(self, campaign: int, seconds: float) -> Figures:
        """Flood for so long, then wait until each event is accepted."""
        figures, ended = Figures(campaign), threading.Event()
        beside = [threading.Thread(target=w, args=(figures, ended)) for w in self._watchers]
        for thread in beside:
            thread.start()
        with ThreadPoolExecutor(self.connections) as pool:
            until = time.monotonic() + seconds
            unfinished = list(pool.map(lambda _: self._send(figures, until), self._numbers))
        ended.set()
        for thread in beside:
            thread.join()
        figures.recovery = self._recover(figures)
        for event in unfinished:
            self._finish(event, figures)
        return figures

    @property
    def _numbers(self) -> range:
        return range(self.connections)

    @property
    def _watchers(self) -> list[Callable[[Figures, threading.Event], None]]:
        return [self._report, self._measure]

    def _send(self, figures: Figures, until: float) -> dict[str, Any]:
        """Events, each until it is accepted or the time is over; the one that was not."""
        with httpx.Client(headers={"x-api-key": self.key}, timeout=self.timeout) as client:
            for event in self._events(figures.campaign):
                while not self._accepted(client, event, figures):
                    if time.monotonic() > until:
                        return event
        raise AssertionError("there is always another event")

    def _accepted(self, client: httpx.Client, event: dict[str, Any], figures: Figures) -> bool:
        try:
            status = client.post(f"{self.api}/bid", json=event).status_code
        except httpx.TransportError as error:
            figures.answers[type(error).__name__] += 1
            return False
        figures.answers[str(status)] += 1
        if status == 202:
            figures.accepted.append(event["event_id"])
        return status == 202

    def _finish(self, event: dict[str, Any], figures: Figures) -> None:
        with httpx.Client(headers={"x-api-key": self.key}, timeout=GENEROUS) as client:
            while not self._accepted(client, event, figures):
                time.sleep(1)

    def _events(self, campaign: int) -> Iterator[dict[str, Any]]:
        for _ in itertools.count():
            name = uuid.uuid4().hex
            moment = datetime.now(UTC).isoformat(timespec="milliseconds")
            yield {
                "event_id": name,
                "tx_id": name,
                "app_uid": "flood",
                "campaign_item_id": campaign,
                "occurred_at": moment,
            }

    def _report(self, figures: Figures, ended: threading.Event) -> None:
        with httpx.Client(headers={"x-api-key": self.key}, timeout=GENEROUS) as client:
            while not ended.wait(GAP):
                figures.reports.append(self._one_report(client, figures.campaign))

    def _one_report(self, client: httpx.Client, campaign: int) -> tuple[str, float]:
        """Status and seconds; 404 is an answer too, until the first event is counted."""
        started = time.monotonic()
        try:
            answer = client.get(f"{self.reports}/reports/campaigns/{campaign}")
            return str(answer.status_code), time.monotonic() - started
        except httpx.TransportError as error:
            return type(error).__name__, time.monotonic() - started

    def _measure(self, figures: Figures, ended: threading.Event) -> None:
        while not ended.wait(0.2):
            found = self.processes()
            names = Counter(function_of(process) for process in found)
            for name, count in names.items():
                figures.processes[name] = max(count, figures.processes[name])
            figures.memory = max(figures.memory, sum(map(_memory, found)))

    def _recover(self, figures: Figures) -> float:
        """Seconds until an event is accepted and a report answers, each within a second."""
        started = time.monotonic()
        # With pauses: attempts without would be a flood of their own.
        with httpx.Client(headers={"x-api-key": self.key}, timeout=1) as client:
            event = next(self._events(figures.campaign))
            while not self._accepted(client, event, figures):
                time.sleep(GAP)
            while self._one_report(client, figures.campaign)[0] not in ("200", "404"):
                time.sleep(GAP)
        return time.monotonic() - started


def emulator_processes(settings: Settings) -> list[psutil.Process]:
    """The emulator and the processes of its functions."""
    with suppress(psutil.Error):
        process = emulator.service(settings).process()
        return [process, *process.children(recursive=True)] if process else []
    return []


def function_of(process: psutil.Process) -> str:
    """The function whose process it is: its name follows the script that runs it.

    One that has ended counts to the emulator.
    """
    with suppress(psutil.Error, IndexError):
        command = process.cmdline()
        if command[1].endswith("worker.py"):
            return str(command[2])
    return "emulator"


def _memory(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def show(figures: Figures) -> None:
    """The figures, for people."""
    times = sorted(seconds for _, seconds in figures.reports)
    print("answers:", ", ".join(f"{n:,} x {name}" for name, n in figures.answers.most_common()))
    print(
        "reports:",
        ", ".join(f"{n} x {s}" for s, n in Counter(s for s, _ in figures.reports).items()),
    )
    if len(times) > 1:
        p99 = statistics.quantiles(times, n=100, method="inclusive")[98]
        print(f"reports: p50 {statistics.median(times):.2f} s, p99 {p99:.2f} s")
    print(f"recovery: {figures.recovery:.1f} s")
    processes = {n: c for n, c in figures.processes.items() if n != "emulator"}
    most = max(processes.values(), default=0)
    print(f"processes at most: {sum(processes.values())}, of one function {most}")
    print(f"memory at most: {figures.memory / 2**20:,.0f} MiB")
    print(f"accepted: {len(set(figures.accepted)):,} events of campaign {figures.campaign}")


def main() -> None:
    """Flood the running platform and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--timeout", type=float, default=0.3, help="seconds before one gives up")
    parser.add_argument("--seconds", type=float, default=20, help="how long it lasts")
    options = parser.parse_args()
    settings = Settings.load()
    found = deployed.platform(settings)
    flood = Flood(
        found.url_for_api,
        found.url_for_reports,
        found.api_key,
        lambda: emulator_processes(settings),
        options.connections,
        options.timeout,
    )
    figures = flood.run(int(time.time()), options.seconds)
    show(figures)
    _check(flood, figures)


def _check(flood: Flood, figures: Figures) -> None:
    """Wait until the report counts each accepted event once; exits with 1 if it does not."""
    expected, until = len(set(figures.accepted)), time.monotonic() + GENEROUS
    url = f"{flood.reports}/reports/campaigns/{figures.campaign}"
    while time.monotonic() < until:
        answer = httpx.get(url, headers={"x-api-key": flood.key}, timeout=GENEROUS)
        counted = answer.json().get("bids", 0) if answer.status_code == 200 else 0
        if counted == expected:
            print("PASS: each of them is counted once")
            return
        time.sleep(0.5)
    raise SystemExit(f"FAIL: {counted:,} are counted")


if __name__ == "__main__":
    main()
