"""Whether a minute of receipt balances: ok ≤ outcomes + open ≤ ok + unknown.

Pure functions. The two sides are counted by independent paths: what was received by the door, in
DynamoDB; outcomes by the operators that decide, in Flink. What is open counts only as long as it
may be: records not yet read until every shard was read past the minute, records that wait for
others until no event can change their outcome. After that, what is open is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Protocol

from glue.instants import to_wire
from glue.ledger import OUTCOMES, READ, REDELIVERED
from glue.limits import AHEAD, CLOCKS_DIFFER
from glue.parameters import Parameters
from lambdas.ports.ledger import MINUTE, Batch, Receipts

IN_FLIGHT = timedelta(seconds=30)
"""A record is in the stream this long after its receipt at the latest: API Gateway's time limit."""
TOGETHER = timedelta(seconds=30)
"""Keys close together within this much of event time."""


@dataclass(frozen=True)
class Limits:
    """The watermarks, counted from the end of a minute, at which its records are read and closed.

    A shard whose event time is at t has delivered all that arrived `AHEAD` before t. A record that
    waits is decided with the first of its key, which may be a window later than itself. A use case
    without a window has records that wait too, if its operators hold the watermark back until they
    are decided: samples of `series-join` are, `final-after` their time. An answer waits for what it
    answers, which is decided by a clock that may be `AHEAD` behind event time.
    """

    read: timedelta
    closed: timedelta

    @classmethod
    def of(cls, parameters: Parameters) -> Limits:
        """The limits of a use case."""
        read = IN_FLIGHT + AHEAD + CLOCKS_DIFFER
        decided = read + parameters.settling + parameters.window + TOGETHER
        waiting = parameters.waiting()
        return cls(read, decided + waiting + AHEAD + CLOCKS_DIFFER if waiting else decided)


@dataclass(frozen=True)
class Minute:
    """One minute of receipt of one use case; all numbers are records.

    `unread` and `waiting` are what is open. `missing` was stored and has no outcome, `excess` has
    an outcome and was not received. `read` are what the job has read, each once.
    """

    use_case: str
    minute: datetime
    ok: int
    refused: int
    unknown: int
    outcomes: Mapping[str, int]
    redelivered: int
    read: int
    unread: int
    waiting: int
    is_closed: bool
    missing: int
    excess: int

    @property
    def open(self) -> int:
        """The records whose outcome is not known yet."""
        return self.unread + self.waiting

    @property
    def never_read(self) -> int:
        """Those of the missing that the job has not read, although it is past them."""
        return min(self.missing, max(0, self.ok - self.read - self.unread))

    @property
    def balances(self) -> bool:
        """Whether nothing is missing and nothing was counted twice."""
        return not (self.missing or self.excess)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        state = {"open": self.open, "balances": self.balances}
        return {**asdict(self), "minute": to_wire(self.minute), **state}


class Ledger(Protocol):
    """What both sides have written; `end` is exclusive."""

    def door(self, use_case: str, start: datetime, end: datetime) -> Iterable[Receipts]:
        """What was received in these minutes."""

    def outcomes(
        self, use_case: str, start: datetime, end: datetime
    ) -> Mapping[datetime, Mapping[str, int]]:
        """What was read and what became of it, by minute."""


def minutes(
    ledger: Ledger,
    use_case: str,
    span: tuple[datetime, datetime],
    watermark: datetime | None,
    limits: Limits,
) -> Iterator[Minute]:
    """Each minute of the span in which something was received or has an outcome, in order.

    `watermark` must have been read before: outcomes of what it has passed are in the ledger then.
    """
    outcomes = ledger.outcomes(use_case, *span)
    received = _together(ledger.door(use_case, *span))
    for minute in sorted({*received, *outcomes}):
        door = received.get(minute, Receipts(use_case, minute, ""))
        yield _minute(door, outcomes.get(minute, {}), watermark, limits)


def _together(receipts: Iterable[Receipts]) -> dict[datetime, Receipts]:
    """The receipts of all instances; those still in a call are unknown."""
    by_minute: dict[datetime, Receipts] = {}
    for each in _once(receipts):
        total = by_minute.setdefault(each.minute, Receipts(each.use_case, each.minute, ""))
        total.ok += each.ok
        total.refused += each.refused
        total.unknown += each.unknown + each.pending
    return by_minute


def _once(receipts: Iterable[Receipts]) -> Iterator[Receipts]:
    """The receipts, each message's once: batches that overlap have some in common.

    A batch that was done is delivered again, in other parts perhaps, if nobody noted that it was.
    Of overlapping ones the first counts, and what the others have is unknown: it may be the same.
    """
    batches: dict[tuple[datetime, str], list[tuple[Batch, Receipts]]] = defaultdict(list)
    for each in receipts:
        batch = Batch.of(each.instance)
        if batch is None or not each.ok:
            yield each
        else:
            batches[each.minute, batch.shard].append((batch, each))
    for of_shard in batches.values():
        end = -1
        for batch, each in sorted(of_shard, key=itemgetter(0)):
            if batch.first > end:
                end = batch.last
                yield each
            else:
                yield replace(each, ok=0, refused=0, unknown=each.unknown + each.ok)


def _minute(
    door: Receipts, counts: Mapping[str, int], watermark: datetime | None, limits: Limits
) -> Minute:
    end = door.minute + MINUTE
    is_read = watermark is not None and watermark >= end + limits.read
    is_closed = watermark is not None and watermark >= end + limits.closed
    outcomes = {name: counts.get(name, 0) for name in OUTCOMES}
    redelivered, done = counts.get(REDELIVERED, 0), sum(outcomes.values())
    read = counts.get(READ, 0) - redelivered
    unread = 0 if is_read else max(0, door.ok - read)
    waiting = 0 if is_closed else max(0, read - done)
    return Minute(
        use_case=door.use_case,
        minute=door.minute,
        ok=door.ok,
        refused=door.refused,
        unknown=door.unknown,
        outcomes=outcomes,
        redelivered=redelivered,
        read=read,
        unread=unread,
        waiting=waiting,
        is_closed=is_closed,
        missing=max(0, door.ok - done - unread - waiting),
        excess=max(0, done - door.ok - door.unknown),
    )
