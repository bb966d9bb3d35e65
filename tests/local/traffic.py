"""Auctions that go on while a test changes the platform."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import count

from tests.local.driver import Auctions, Driver, Event, auctions

SECONDS = 0.5  # between two beats
AGAIN, ATTEMPTS = (429, 503), 60  # what a sender sends again, and how often


class Traffic:
    """Sends auctions of one campaign from a thread, until `end`.

    Each beat sends new bids, the impressions of the bids before and the clicks of those before
    them, so that some auctions are open at any moment. Every third beat sends its bids twice.
    All of it is dated `at`.
    """

    def __init__(self, driver: Driver, at: datetime) -> None:
        first = auctions(0, at)
        self.campaign, self.expected = first.campaign, first.expected
        self._driver, self._at = driver, at
        self._open = [first, first]
        self._ended = threading.Event()
        self._running = ThreadPoolExecutor(1, "traffic").submit(self._run)

    def end(self) -> None:
        """Send the steps that are due and no more; raises what a beat raised."""
        self._ended.set()
        self._running.result()

    def _run(self) -> None:
        for number in count():
            new = 0 if self._ended.wait(SECONDS) else 6
            self._send(list(self._beat(new, twice=number % 3 == 0)))
            if not new and not any(made.bids for made in self._open):
                return

    def _beat(self, new: int, *, twice: bool) -> Iterator[Event]:
        made, (won, clicked) = auctions(new, self._at, self.campaign), self._open
        yield from made.bids * (1 + twice)
        yield from won.impressions
        yield from clicked.clicks
        self._open = [made, won]
        self._count(made)

    def _count(self, made: Auctions) -> None:
        self.expected = {name: n + made.expected[name] for name, n in self.expected.items()}

    def _send(self, events: list[Event]) -> None:
        """Send until they are accepted; again, with their ids, where the API says so."""
        for _ in range(ATTEMPTS if events else 0):
            answer = self._driver.post("events", events)
            if answer.status_code not in AGAIN:
                break
            time.sleep(SECONDS)
        assert not events or answer.status_code == 202, f"{answer.status_code}: {answer.text}"
