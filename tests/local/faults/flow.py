"""Generated ad-tech events, sent at the time that they have, each until it is accepted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import httpx
import orjson

import usecases
from datagen import Generation, Occurrence
from datagen import Settings as Shape
from glue.parameters import parse_duration
from sdpctl.commands.generate import generator_of
from sdpctl.sending import NDJSON, Line, read_answer
from tests.local.driver import Auctions, Driver, Event, auctions
from tests.local.faults.fates import Fates
from tests.local.parameters import PARAMETERS

USE_CASE = usecases.load().use_case("adtech")
REPORT = USE_CASE.reports[0]
MEASURES = tuple(column.name for column in REPORT.measures)
PERIOD = timedelta(minutes=1)
RATE = 20.0  # distinct events a second
SHUFFLE = timedelta(seconds=2)
BEAT = 0.5  # seconds between two requests
TO_BE_SENT = timedelta(seconds=30)  # in which an event that is almost late is read
ANSWER_SECONDS, PATIENCE = 30.0, 120.0  # for one request; for one event, with all its requests


def counted_before(driver: Driver) -> Auctions:
    """Auctions that are counted, so old that they are almost late: their row is soon final."""
    age = parse_duration(PARAMETERS["AllowedLateness"]) - TO_BE_SENT
    made = auctions(60, at=datetime.now(UTC) - age)
    driver.send(made.events)
    driver.await_totals(made.campaign, made.expected)
    return made


class _OwnCampaigns:
    """The generator of the use case, with campaigns that no other run has."""

    def __init__(self) -> None:
        self.base = auctions(0).campaign * 1_000
        self._numbers: dict[int, int] = {}

    def occurrences(self, settings: Shape) -> Iterator[Occurrence]:
        for made in generator_of(USE_CASE.name).occurrences(settings):
            event, name = made.event, REPORT.key
            if name in event:
                event = {**event, name: self._own(event[name])}
            added = tuple((path, self._own(key), sums) for path, key, sums in made.contributions)
            yield made._replace(event=event, contributions=added)

    def _own(self, campaign: Any) -> int:
        return self._numbers.setdefault(campaign, self.base + len(self._numbers))


class Flow:
    """Events of the next `seconds`: a tenth of them twice, 2 % late, 2 % unmatched.

    `again` are events that were counted before the run, of other campaigns.
    """

    def __init__(self, driver: Driver, seed: int, seconds: float, again: Sequence[Event]) -> None:
        self.start = datetime.now(UTC).replace(microsecond=0)
        shape = Shape(
            events=int(seconds * RATE),
            start=self.start,
            seed=seed,
            rate=RATE,
            duplicates=0.1,
            shuffle=SHUFFLE,
            late=0.02,
            unmatched=0.02,
            period=PERIOD,
        )
        made = Generation(USE_CASE, _OwnCampaigns(), shape)
        self.prefix = f"{shape.start_ms:x}-{seed}-"
        events, random = list(made), Random(f"again {seed}")
        self.truth = made.truth()
        self.fates = Fates.of(events, again, self.start)
        self.fates.check(self.truth)
        for event in again:
            events.insert(random.randint(0, len(events)), event)
        self._lines = [Line(n, orjson.dumps(event)) for n, event in enumerate(events)]
        self._driver, self._seconds = driver, seconds
        self._ended = threading.Event()
        self.requests = self.failures = self.sent_lines = 0
        self._http = httpx.Client(timeout=ANSWER_SECONDS, headers={"x-api-key": driver.key})

    def begin(self) -> None:
        """Send from now on, in a thread."""
        self._running = ThreadPoolExecutor(1, "flow").submit(self._run)

    def end(self) -> None:
        """Wait until all events are accepted; raises what went wrong."""
        self._running.result()

    def stop(self) -> None:
        """Send no more: a run that has failed does not wait for its last events."""
        self._ended.set()

    def raise_early(self) -> None:
        """Raise what has gone wrong by now."""
        if self._running.done():
            self._running.result()

    @property
    def campaigns(self) -> list[int]:
        """Their numbers."""
        return [int(key) for key in self.truth["reports"][REPORT.path]]

    @property
    def sent(self) -> int:
        """How many events there are, copies included; `sent_lines` counts each attempt."""
        return len(self._lines)

    def _run(self) -> None:
        began, sent, total = time.monotonic(), 0, len(self._lines)
        for _ in count():
            elapsed = time.monotonic() - began - SHUFFLE.total_seconds()
            due = min(total, max(0, int(total * elapsed / self._seconds)))
            while sent < due:
                self._deliver(self._lines[sent : min(due, sent + 500)])
                sent = min(due, sent + 500)
            if sent == total or self._ended.is_set():
                return
            time.sleep(BEAT)

    def _deliver(self, lines: list[Line]) -> None:
        """Send until each is accepted."""
        until = time.monotonic() + PATIENCE
        while True:
            self.sent_lines += len(lines)
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
