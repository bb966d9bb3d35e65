"""Counts what destinations may have received of a customer's actions; independent of AWS.

An action is entered before an attempt at it begins, as one that may be received until its execution
ends, and corrected after the attempt. So an execution that ends in between has counted too much,
never too little, and the message that comes again enters its own attempt instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from lambdas.dispatch.limits import EXECUTION, Limits
from lambdas.dispatch.records import time_zone
from lambdas.ports.actions import ActionStore, Decision, StoreUnavailable, Times

# Attempts at a change while other executions change the same customer's times.
ATTEMPTS = 10
_MILLISECOND = timedelta(milliseconds=1)


class Contended(StoreUnavailable):
    """Other executions changed the customer's times at each attempt."""

    def __init__(self, customer: str) -> None:
        super().__init__(f"{customer}: {ATTEMPTS} attempts lost to other executions")


class Entered(NamedTuple):
    """An attempt that may begin: until when its action counts, and until when it did before."""

    until: datetime
    before: datetime | None


@dataclass(frozen=True)
class Handing:
    """The hand-overs of one use case's actions; `limits` have a cap."""

    limits: Limits
    store: ActionStore

    def begin(self, decision: Decision, now: datetime) -> Entered | datetime:
        """Enter an attempt that begins now, or plan the action for the time that is returned.

        Raises StoreUnavailable.
        """
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as the store has times
        for _ in range(ATTEMPTS):
            times = self.store.times(decision.customer)
            found, after = self._found(times, decision, now)
            if after is None or self._change(decision, times, after, now):
                return found
        raise Contended(decision.customer)

    def _found(
        self, times: Times, decision: Decision, now: datetime
    ) -> tuple[Entered | datetime, Times | None]:
        """What `begin` returns, and the new times if they change with it."""
        id_, before = decision.id, times.handed.get(decision.id)
        if self.limits.may_hand(times, id_, now):
            until = now + EXECUTION
            if before is not None:  # so that each attempt knows its own entry
                until = max(until, before + _MILLISECOND)
            return Entered(until, before), self.limits.handed(times, id_, now, until)
        turn = self.limits.turn(times, id_, now, time_zone(decision.body))
        if times.planned.get(id_) == turn:
            return turn, None
        return turn, replace(times, planned={**times.planned, id_: turn})

    def end(
        self, decision: Decision, entered: Entered, now: datetime, *, received: bool, sent: bool
    ) -> None:
        """Correct the entry of an attempt that has ended now; of the action if it is `sent`.

        Raises StoreUnavailable; the entry then stays as it is, and counts for longer than it must.
        """
        for _ in range(ATTEMPTS):
            times = self.store.times(decision.customer)
            after = _ended(times, decision.id, entered, _rounded(now), received, sent)
            if after == times or self._change(decision, times, after, now):
                return

    def _change(self, decision: Decision, before: Times, after: Times, now: datetime) -> bool:
        return self.store.change(decision.customer, before, after, self.limits.kept(now))


def _ended(
    times: Times, id_: str, entered: Entered, now: datetime, received: bool, sent: bool
) -> Times:
    """The times after an attempt; an entry that another attempt has replaced stays."""
    handed = dict(times.handed)
    if handed.get(id_) == entered.until:
        until = now if received else entered.before
        if until is None:
            del handed[id_]
        else:
            handed[id_] = until
    planned = {**times.planned, id_: now} if sent else times.planned
    return replace(times, planned=planned, handed=handed)


def _rounded(now: datetime) -> datetime:
    """The next whole millisecond."""
    return now + timedelta(microseconds=-now.microsecond % 1000)
