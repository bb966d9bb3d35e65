"""Counts what the door receives: an intent before each call that stores, its result after it.

A function that ends between the two leaves its records `pending`, so the count survives it. If the
ledger cannot be written, records are stored all the same: the item is written whole, so the next
write of the instance makes good what was missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from uuid import uuid4

from lambdas.ports.ledger import Receipts, ReceiptStore, minute_of
from lambdas.ports.report_store import StoreUnavailable

MAX_MISSED = 1_000
"""Items at most that wait for a table that cannot be written: a day of a dozen use cases."""


@dataclass(frozen=True)
class Result:
    """What a request's call did with the records of one use case."""

    ok: int = 0
    refused: int = 0
    unknown: int = 0


@dataclass
class DoorLedger:
    """One instance's counts; `missed` receives the reason when an item could not be written."""

    store: ReceiptStore
    missed: Callable[[str], None] = lambda _: None
    instance: str = field(default_factory=lambda: uuid4().hex[:16])
    _current: dict[str, Receipts] = field(default_factory=dict)
    _unwritten: dict[str, Receipts] = field(default_factory=dict)
    _items: Iterator[int] = field(default_factory=count)

    def intend(self, records: Mapping[str, int], at: datetime) -> None:
        """Note, before the call, how many records of each use case it is to store."""
        for use_case, number in records.items():
            if number:
                receipts = self._of(use_case, at)
                receipts.unknown += receipts.pending  # of a call that failed without a result
                receipts.pending = number
                self._write(receipts)

    def settle(self, results: Mapping[str, Result], at: datetime) -> None:
        """Note the result of the call that `intend` has announced."""
        for use_case, result in results.items():
            receipts = self._of(use_case, at)
            receipts.ok += result.ok
            receipts.refused += result.refused
            receipts.unknown += result.unknown
            receipts.pending = 0
            self._write(receipts)

    def _of(self, use_case: str, at: datetime) -> Receipts:
        minute = minute_of(at)
        current = self._current.get(use_case)
        if current is None or current.minute != minute:
            # with a number: a clock that goes back must not overwrite an item
            current = Receipts(use_case, minute, f"{self.instance}-{next(self._items)}")
            self._current[use_case] = current
        return current

    def _write(self, receipts: Receipts) -> None:
        receipts.revision += 1
        self._unwritten[receipts.instance] = receipts
        try:
            for key, missed in [*self._unwritten.items()]:
                self.store.put(missed)
                del self._unwritten[key]
        except StoreUnavailable as error:
            while len(self._unwritten) > MAX_MISSED:
                del self._unwritten[next(iter(self._unwritten))]
            self.missed(str(error))
