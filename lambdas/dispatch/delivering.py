"""Delivers actions to one destination: an attempt for each message, then its state, then what
follows from it; independent of AWS.

The state is replaced by one conditional write, which has the id of the message that led to it. So
of two messages for one attempt only one goes on, and one that crashed after its write goes on when
it is delivered again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from lambdas.dead_letters import Source, dead_letter
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
    """A message whose action is attempted now."""

    received: Received
    decision: Decision
    state: State


@dataclass(frozen=True)
class Deliver:
    """`retry_for`: how long a destination is tried again. `jitter` returns 0 to 1.

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
        if (wait := decision.due_at - self.clock()) > timedelta(0):
            self._enqueue(Message(decision.id, state.attempt, min(wait, LONGEST_DELAY)))
            return None
        return Due(received, decision, state)

    def _attempts(self, due: Sequence[Due]) -> Sequence[Failure | None]:
        if not due:
            return ()
        name, address = self.destination.name, self.destination.address
        disabled = self.store.disabled(name)
        if disabled and disabled["url"] == address:
            reason = f"disabled: it answered 410 at {disabled['at']}"
            return [Failure(reason, gone=True)] * len(due)
        failures = self.destination.send([one.decision for one in due])
        if any(failure and failure.gone for failure in failures):
            self.store.disable(name, address, self.clock())
        return failures

    def _settle(self, due: Due, failure: Failure | None) -> None:
        """Store how the attempt ended; go on if no other message has done so."""
        received, decision, before = due
        state = self._after(before, failure, received.message_id)
        if not self.store.settle(decision.id, self.destination.name, before.attempt, state):
            return
        if failure is None:
            self.count("Sent", 1)
            self.latency("Delivery", self.clock() - decision.due_at)
            self.latency("Action", self.clock() - decision.occurred_at)
        else:
            self.count("Failed", 1)
        self._follow(decision, state, failure)

    def _after(self, before: State, failure: Failure | None, owner: str) -> State:
        now = self.clock()
        common = replace(before, attempt=before.attempt + 1, owner=owner, at=now)
        if failure is None:
            return replace(common, status=Status.SENT, error="")
        failed = replace(common, tries=before.tries + 1, error=failure.reason[:ERROR_LENGTH])
        over = now >= (before.since or now) + self.retry_for
        return replace(failed, status=Status.DEAD) if failure.gone or over else failed

    def _follow(self, decision: Decision, state: State, failure: Failure | None = None) -> None:
        """What a new state leads to: another attempt, or a dead letter. May be repeated."""
        match state.status:
            case Status.PENDING:
                retry_after = failure.retry_after if failure else None
                delay = self._delay(state.tries, retry_after)
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
