"""Delivers actions to one destination: an attempt for each message, then its state, then what
follows from it; independent of AWS.

The state is replaced by one conditional write, which has the id of the message that led to it. So
of two messages for one attempt only one goes on, and one that crashed after its write goes on when
it is delivered again. Each attempt keeps the customer's limits, not only the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from lambdas.dead_letters import Source, dead_letter
from lambdas.dispatch.handing import Entered, Handing
from lambdas.dispatch.limits import Limits
from lambdas.dispatch.records import time_zone
from lambdas.ports.actions import (
    LONGEST_DELAY,
    ActionStore,
    Decision,
    Destination,
    Failure,
    Message,
    Queues,
    State,
    Status,
    StoreUnavailable,
)
from lambdas.ports.stream import Entry, Stream

FIRST_DELAY = timedelta(seconds=5)
ERROR_LENGTH = 300


class Received(NamedTuple):
    """A message as its queue delivers it; the same message has the same id at each delivery."""

    message_id: str
    id: str
    attempt: int


class Due(NamedTuple):
    """A message whose action is attempted now; `entered` if there is a cap."""

    received: Received
    decision: Decision
    state: State
    began: datetime
    entered: Entered | None


@dataclass(frozen=True)
class Deliver:
    """`retry_for`: how long a destination is tried again, without the time in which an attempt
    waits for the customer's limits or for this function. `jitter` returns 0 to 1.

    `count` receives the name of what happened and its number, `latency` a stage and the time that
    it took.
    """

    use_case: str
    destination: Destination
    store: ActionStore
    queues: Queues
    letters: Stream
    dead_letters: str
    clock: Callable[[], datetime]
    limits: Limits
    retry_for: timedelta
    jitter: Callable[[], float]
    count: Callable[[str, int], None] = lambda *_: None
    latency: Callable[[str, timedelta], None] = lambda *_: None

    def __call__(self, messages: Sequence[Received]) -> set[str]:
        """The ids of the messages to deliver again, normally none."""
        undone: set[str] = set()
        due: list[Due] = []
        for received in messages:
            try:
                if (found := self._due(received)) is not None:
                    due.append(found)
            except StoreUnavailable:
                undone.add(received.message_id)
        for one, failure in zip(due, self._attempts(due), strict=True):
            try:
                self._settle(one, failure)
            except StoreUnavailable:
                undone.add(one.received.message_id)
        return undone

    def _due(self, received: Received) -> Due | None:
        """What to attempt now; a message that comes too early or too late has its own end."""
        decision = self.store.action(received.id)
        state = decision.states.get(self.destination.name) if decision else None
        if decision is None or state is None:
            return None
        if state.owner == received.message_id:  # it crashed after it had settled this state
            self._follow(decision, state)
            return None
        if state.status is not Status.PENDING or state.attempt != received.attempt:
            return None
        return self._begin(received, decision, state)

    def _begin(self, received: Received, decision: Decision, state: State) -> Due | None:
        """The attempt, unless the customer's limits make it wait: its message comes again then."""
        now = self.clock()
        entered = None
        ready = self.limits.due(max(now, decision.due_at), time_zone(decision.body))
        if ready <= now and self.limits.cap:
            begun = Handing(self.limits, self.store).begin(decision, now)
            if isinstance(begun, Entered):
                entered = begun
            else:
                ready = begun
        if ready > now:
            self._enqueue(Message(decision.id, state.attempt, min(ready - now, LONGEST_DELAY)))
            return None
        return Due(received, decision, state, now, entered)

    def _attempts(self, due: Sequence[Due]) -> Sequence[Failure | None]:
        if not due:
            return ()
        name, address = self.destination.name, self.destination.address
        disabled = self.store.disabled(name)
        if disabled and disabled["url"] == address:
            reason = f"disabled: it answered 410 at {disabled['at']}"
            return [Failure(reason, gone=True, received=False)] * len(due)
        failures = self.destination.send([one.decision for one in due])
        if any(failure and failure.gone for failure in failures):
            self.store.disable(name, address, self.clock())
        return failures

    def _settle(self, due: Due, failure: Failure | None) -> None:
        """Store how the attempt ended; go on if no other message has done so."""
        decision, before = due.decision, due.state
        self._count_hand_over(due, failure)
        state = self._after(due, failure)
        if not self.store.settle(decision.id, self.destination.name, before.attempt, state):
            return
        if failure is None:
            self.count("Sent", 1)
            self.latency("Delivery", self.clock() - decision.due_at)
            self.latency("Action", self.clock() - decision.occurred_at)
        else:
            self.count("Failed", 1)
        self._follow(decision, state)

    def _count_hand_over(self, due: Due, failure: Failure | None) -> None:
        """Correct what was entered; if that cannot be stored it counts for longer than it must."""
        if due.entered is not None:
            received = failure is None or failure.received
            with suppress(StoreUnavailable):
                Handing(self.limits, self.store).end(
                    due.decision, due.entered, self.clock(), received=received, sent=not failure
                )

    def _after(self, due: Due, failure: Failure | None) -> State:
        """The state after an attempt.

        What it waited beyond the delay before it, for the end of quiet hours, under a cap, or for
        this function, is not of the destination's making, and takes nothing from its time.
        """
        now, before, owner = self.clock(), due.state, due.received.message_id
        common = replace(before, attempt=before.attempt + 1, owner=owner, at=now)
        if failure is None:
            return replace(common, status=Status.SENT, error="")
        waited = max(due.began - before.due, timedelta(0)) if before.due else timedelta(0)
        since = (before.since or due.began) + waited
        tries = before.tries + 1
        failed = replace(
            common,
            tries=tries,
            error=failure.reason[:ERROR_LENGTH],
            since=since,
            due=now + self._delay(tries, failure.retry_after),
        )
        over = now >= since + self.retry_for
        return replace(failed, status=Status.DEAD) if failure.gone or over else failed

    def _follow(self, decision: Decision, state: State) -> None:
        """What a new state leads to: another attempt, or a dead letter. May be repeated."""
        match state.status:
            case Status.PENDING:
                delay = state.due - self.clock() if state.due else FIRST_DELAY
                delay = min(max(delay, timedelta(0)), LONGEST_DELAY)
                self._enqueue(Message(decision.id, state.attempt, delay))
            case Status.DEAD:
                self._bury(self._letter(decision, state))
                self.count("Dead", 1)

    def _delay(self, tries: int, retry_after: timedelta | None) -> timedelta:
        """Doubles up to the longest, between half of it and all of it."""
        doubled = FIRST_DELAY
        for _ in range(min(tries - 1, 20)):
            doubled *= 2
        backoff = min(doubled, LONGEST_DELAY) * (0.5 + self.jitter() / 2)
        return min(max(backoff, retry_after or timedelta(0)), LONGEST_DELAY)

    def _enqueue(self, message: Message) -> None:
        (reason,) = self.queues.put(self.destination.name, [message])
        if reason:
            raise StoreUnavailable(f"{self.destination.name}: {reason}")

    def _bury(self, letter: Entry) -> None:
        (reason,) = self.letters.put(self.dead_letters, [letter])
        if reason:
            raise StoreUnavailable(f"{self.dead_letters}: {reason}")

    def _letter(self, decision: Decision, state: State) -> Entry:
        """The body is its payload; its id has the destination and the attempt."""
        place, name = decision.place, self.destination.name
        return dead_letter(
            Source(*place),
            decision.body.encode(),
            use_case=self.use_case,
            stage="dispatch",
            reason="undelivered",
            detail=f"{name}: {state.error}; send it again by ./sdp actions resend {decision.id}",
            field=None,
            failed_at=state.at or self.clock(),
            event_id=decision.id,
            part=f"{name}:{state.attempt}",
        )
