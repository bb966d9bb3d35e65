"""Counts what the door receives: an intent before each call that stores, its result after it.

A function that ends between the two leaves its records `pending`, so the count survives it. If the
ledger cannot be written for two seconds, records are stored all the same: the item is written
whole, so the next write of the instance makes good what was missed. Before each attempt to store
records it is tried once more (`catch_up`), if that is not a long wait: what was away may be back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from uuid import uuid4

from glue.instants import to_millis
from lambdas.ports.ledger import Receipts, ReceiptStore, minute_of
from lambdas.ports.report_store import StoreUnavailable

MAX_MISSED = 1_000
"""Items at most that wait for a table that cannot be written: a day of a dozen use cases."""
PATIENCE, PAUSE = 2.0, 0.1
"""Seconds for which an intent is tried again, and the first pause; each is twice the one before."""
QUICK = 0.5
"""Seconds that items may take beside the one that is to be written now."""


@dataclass(frozen=True)
class Result:
    """What a request's call did with the records of one use case."""

    ok: int = 0
    refused: int = 0
    unknown: int = 0


@dataclass
class _Items:
    """Writes items; what could not be written is written with the next one.

    `wait` sleeps, and takes seconds.
    """

    store: ReceiptStore
    missed: Callable[[str], None]
    wait: Callable[[float], None] = time.sleep
    _unwritten: dict[tuple[datetime, str], Receipts] = field(default_factory=dict)
    _answers: bool = True  # whether the last item could be written
    _is_quick: bool = True  # whether the last attempt was not a long wait

    def write(self, receipts: Receipts, patience: float = 0) -> None:
        """Write an item that has changed; if it cannot be written, again for `patience` seconds.

        Not if the one before could not either: the table is away, and requests wait only once.
        """
        key = receipts.minute, receipts.instance
        self._unwritten.pop(key, None)
        self._unwritten[key] = receipts  # as the newest
        error, pause = self._try(), PAUSE
        until = time.monotonic() + (patience if self._answers else 0)
        while error and time.monotonic() + pause < until:
            self.wait(pause)
            error, pause = self._try(), 2 * pause
        self._answers = error is None
        if error:
            self.missed(str(error))

    def catch_up(self) -> None:
        """Write what could not be written, unless that was a long wait when it was last tried."""
        if self._unwritten and self._is_quick:
            self._answers = self._try() is None

    def _try(self) -> StoreUnavailable | None:
        """Write the newest item, and the others, newest first, as long as that is quick."""
        started, self._is_quick = time.monotonic(), True
        try:
            while self._unwritten and self._is_quick:
                try:
                    self._put_newest()
                finally:
                    self._is_quick = time.monotonic() - started < QUICK
        except StoreUnavailable as error:
            while len(self._unwritten) > MAX_MISSED:
                del self._unwritten[next(iter(self._unwritten))]
            return error
        return None

    def _put_newest(self) -> None:
        newest = next(reversed(self._unwritten))
        self.store.put(self._unwritten[newest])
        del self._unwritten[newest]


class DoorLedger:
    """One instance's counts; `missed` receives the reason when an item could not be written."""

    def __init__(
        self,
        store: ReceiptStore,
        missed: Callable[[str], None] = lambda _: None,
        instance: str | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.instance = instance or uuid4().hex[:16]
        self._written = _Items(store, missed, wait)
        self._current: dict[str, Receipts] = {}
        self._numbers = count()

    def intend(self, records: Mapping[str, int], at: datetime) -> None:
        """Note, before the call, how many records of each use case it is to store."""
        for use_case, number in records.items():
            if number:
                receipts = self._of(use_case, at)
                receipts.unknown += receipts.pending  # of a call that failed without a result
                receipts.pending = number
                self._write(receipts, PATIENCE)

    def settle(self, results: Mapping[str, Result], at: datetime) -> None:
        """Note the result of the call that `intend` has announced."""
        for use_case, result in results.items():
            receipts = self._of(use_case, at)
            receipts.ok += result.ok
            receipts.refused += result.refused
            receipts.unknown += result.unknown
            receipts.pending = 0
            self._write(receipts)

    def catch_up(self) -> None:
        """Note what could not be noted, before records that were not stored are sent again."""
        self._written.catch_up()

    def _of(self, use_case: str, at: datetime) -> Receipts:
        minute = minute_of(at)
        current = self._current.get(use_case)
        if current is None or current.minute != minute:
            # with a number: a clock that goes back must not overwrite an item
            current = Receipts(use_case, minute, f"{self.instance}-{next(self._numbers)}")
            self._current[use_case] = current
        return current

    def _write(self, receipts: Receipts, patience: float = 0) -> None:
        receipts.revision += 1
        self._written.write(receipts, patience)


class BatchLedger:
    """Counts what the batches of a stream of messages become, however often one is delivered.

    An item belongs to the messages of a batch that were received in one minute. The same batch
    again replaces it: revisions are milliseconds of the `clock`.
    """

    def __init__(
        self,
        store: ReceiptStore,
        clock: Callable[[], datetime],
        missed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._written, self._clock = _Items(store, missed), clock

    def intend(self, receipts: Sequence[Receipts]) -> None:
        """Note, before the call, the records that it is to store as `pending`."""
        for each in receipts:
            self._write(each)

    def settle(self, receipts: Sequence[Receipts], *, stored: bool) -> None:
        """Note the result of the call: all are stored, or some may be.

        Those are delivered again, and count as `ok` then.
        """
        for each in receipts:
            each.ok, each.unknown = (each.pending, 0) if stored else (0, each.pending)
            each.pending = 0
            self._write(each)

    def _write(self, receipts: Receipts) -> None:
        receipts.revision = max(to_millis(self._clock()), receipts.revision + 1)
        self._written.write(receipts)
