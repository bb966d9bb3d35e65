"""Sends the events of all flows at the time that they have, each until it is accepted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import httpx
import orjson

from sdpctl.sending import NDJSON, Line, read_answer
from tests.local.driver import Driver, Event

SHUFFLE = timedelta(seconds=2)
BEAT = 0.5  # seconds between two requests
BATCH = 500
ANSWER_SECONDS, PATIENCE = 30.0, 120.0  # for one request; for one event, with all its requests


class Sender:
    """Each flow's events within the same seconds, those of all in one request."""

    def __init__(self, driver: Driver, seconds: float) -> None:
        self._driver, self._seconds = driver, seconds
        self._events: list[tuple[str, Event]] = []
        self._added: list[tuple[str, Event]] = []
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._numbers = count()
        self.requests = self.failures = 0
        self.sent = Counter[str]()
        """By flow how many events there are, copies included."""
        self.attempts = Counter[str]()
        """By flow how often one was in a request."""
        self._http = httpx.Client(timeout=ANSWER_SECONDS, headers={"x-api-key": driver.key})

    def begin(self, flows: Mapping[str, Sequence[Event]]) -> None:
        """Send from now on, in a thread."""
        placed = [
            (number / len(events), name, event)
            for name, events in flows.items()
            for number, event in enumerate(events)
        ]
        placed.sort(key=lambda one: one[0])
        self._events = [(name, event) for _, name, event in placed]
        self._running = ThreadPoolExecutor(1, "flow").submit(self._run)

    def add(self, name: str, events: Iterable[Event]) -> None:
        """Send these, too, with the next request before which nothing else is due.

        They are dated by the clock: what an outage has held up would be late behind them.
        """
        with self._lock:
            self._added += [(name, event) for event in events]

    def end(self, closing: Mapping[str, Sequence[Event]]) -> None:
        """Wait until all events are accepted, and send the last ones; raises what went wrong."""
        self._running.result()
        self._deliver(self._taken())
        self._deliver([(name, event) for name, events in closing.items() for event in events])

    def stop(self) -> None:
        """Send no more: a run that has failed does not wait for its last events."""
        self._ended.set()

    def raise_early(self) -> None:
        """Raise what has gone wrong by now."""
        if self._running.done():
            self._running.result()

    def _run(self) -> None:
        began, sent, total = time.monotonic(), 0, len(self._events)
        while True:
            elapsed = time.monotonic() - began - SHUFFLE.total_seconds()
            due = min(total, max(0, int(total * elapsed / self._seconds)))
            upto = min(due, sent + BATCH)
            if upto > sent:
                added = self._taken() if upto == due else []
                self._deliver([*self._events[sent:upto], *added])
                sent = upto
            if sent == total or self._ended.is_set():
                return
            if sent == due:
                time.sleep(BEAT)

    def _taken(self) -> list[tuple[str, Event]]:
        with self._lock:
            taken, self._added = self._added, []
        return taken

    def _deliver(self, events: Sequence[tuple[str, Event]]) -> None:
        """Send until each is accepted."""
        named = {next(self._numbers): name for name, _ in events}
        self.sent.update(named.values())
        lines = [
            Line(number, orjson.dumps(event))
            for number, (_, event) in zip(named, events, strict=True)
        ]
        for start in range(0, len(lines), BATCH):
            self._deliver_lines(lines[start : start + BATCH], named)

    def _deliver_lines(self, lines: list[Line], named: Mapping[int, str]) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            self.attempts.update(named[line.number] for line in lines)
            answer = self._post(lines)
            result = read_answer(lines, answer)
            wrong = [r for r in result.rejections if r.line not in result.again]
            assert not wrong, f"rejected: {wrong[0]}"
            lines = [line for line in lines if line.number in result.again]
            self.requests += 1
            if not lines or self._ended.is_set():
                return
            self.failures += 1
            text = answer if isinstance(answer, str) else answer.text
            assert time.monotonic() < until, f"not accepted within {PATIENCE:.0f} s: {text[:500]}"
            time.sleep(BEAT)

    def _post(self, lines: list[Line]) -> httpx.Response | str:
        body = b"\n".join(line.body for line in lines)
        try:
            return self._http.post(f"{self._driver.api}/events", content=body, headers=NDJSON)
        except httpx.RequestError as error:
            return f"{type(error).__name__}: {error}"
