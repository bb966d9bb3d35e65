"""Decides about each action once, and enqueues it for its destinations; independent of AWS.

The decision is stored, with the body, before anything is enqueued: whoever repeats this record
finds it, and enqueues what is pending. So a crash between any two of these steps loses nothing, and
counts nothing twice against the cap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson

from glue.deadletter import Reason
from lambdas.dead_letters import Source, dead_letter
from lambdas.dispatch.handing import ATTEMPTS, Contended
from lambdas.dispatch.limits import Limits
from lambdas.dispatch.records import Action, read
from lambdas.ports.actions import (
    LONGEST_DELAY,
    ActionStore,
    Decision,
    Message,
    Outcome,
    Place,
    Queues,
    State,
    Status,
    StoreUnavailable,
    Times,
)
from lambdas.ports.stream import Entry, Stream
from lambdas.result_records import Malformed

WORKERS = 16


class Record(NamedTuple):
    """A record of the stream of actions, and when the stream had it."""

    place: Place
    data: bytes
    arrived_at: datetime | None = None


@dataclass(frozen=True)
class Decide:
    """`destinations` are the names of those that are deployed; `count` receives each outcome.

    `latency` receives a stage and the time that it took, of actions that are decided now.
    """

    use_case: str
    limits: Limits
    destinations: Sequence[str]
    store: ActionStore
    queues: Queues
    letters: Stream
    dead_letters: str
    clock: Callable[[], datetime]
    count: Callable[[str, int], None] = lambda *_: None
    latency: Callable[[str, timedelta], None] = lambda *_: None

    def __call__(self, records: Sequence[Record]) -> set[str]:
        """The sequence numbers of the records to deliver again, normally none."""
        began = self._now()
        undone: set[str] = set()
        decided: list[tuple[Record, Decision]] = []
        letters: list[tuple[Record, Entry]] = []
        for record, found in self._decided(records):
            match found:
                case Decision():
                    decided.append((record, found))
                    self._measure(record, found, began)
                    if orjson.loads(found.body)["data"] != orjson.loads(record.data):
                        letters.append((record, self._other_body(record, found)))
                case Entry():
                    letters.append((record, found))
                case StoreUnavailable():
                    undone.add(record.place.sequence_number)
        return undone | self._enqueue(decided) | self._bury(letters)

    def _now(self) -> datetime:
        """In milliseconds, as the store has times."""
        now = self.clock()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def _measure(self, record: Record, decision: Decision, began: datetime) -> None:
        """The stages before a decision that was made since then; a stored one was measured."""
        if record.arrived_at is not None and decision.decided_at >= began:
            self.latency("Write", record.arrived_at - decision.occurred_at)
            self.latency("Dispatch", decision.decided_at - record.arrived_at)

    def _decided(
        self, records: Sequence[Record]
    ) -> list[tuple[Record, Decision | Entry | StoreUnavailable]]:
        """Each record's decision, or its dead letter; the actions of a customer one by one."""
        groups: dict[str, list[tuple[Record, Action]]] = defaultdict(list)
        results: list[tuple[Record, Decision | Entry | StoreUnavailable]] = []
        for record in records:
            try:
                action = read(self.use_case, record.data)
            except Malformed as error:
                letter = self._letter(record, "malformed", error.detail, error.field)
                results.append((record, letter))
            else:
                groups[action.customer].append((record, action))
        with ThreadPoolExecutor(max_workers=WORKERS) as pool:
            for group in pool.map(lambda g: [(r, self._try(r, a)) for r, a in g], groups.values()):
                results += group
        return results

    def _try(self, record: Record, action: Action) -> Decision | Entry | StoreUnavailable:
        try:
            return self.decide(record, action)
        except StoreUnavailable as error:
            return error
        except Exception as error:  # noqa: BLE001 deliveries are repeated until the record
            # expires, so one that breaks the code would hold up its shard for that long.
            detail = f"dispatch failed on this record: {type(error).__name__}: {error}"
            return self._letter(record, "refused", detail)

    def decide(self, record: Record, action: Action) -> Decision:
        """The stored decision, made now if there is none. Raises StoreUnavailable."""
        for _ in range(ATTEMPTS):
            if stored := self.store.action(action.id):
                return stored
            before = self.store.times(action.customer) if self.limits.cap else None
            decision, after = self._new(record, action, before)
            if self.store.enter(decision, before if after else None, after):
                self.count(decision.outcome, 1)
                return decision
        raise Contended(action.customer)

    def _new(
        self, record: Record, action: Action, before: Times | None
    ) -> tuple[Decision, Times | None]:
        """The decision, and the customer's times if they change with it."""
        now = self._now()
        due = self.limits.due(now, action.time_zone)
        outcome, after = Outcome.DUE, None
        if now - action.occurred_at > self.limits.max_age:
            outcome = Outcome.EXPIRED
        elif before is not None:
            after = self.limits.planned(before, action.id, now, due)
            outcome = Outcome.CAPPED if after is None else Outcome.DUE
        due_now = State(since=due, due=due)
        pending = {d: due_now for d in self.destinations if outcome is Outcome.DUE}
        decision = Decision(
            id=action.id,
            kind=action.kind,
            channel=action.channel,
            customer=action.customer,
            occurred_at=action.occurred_at,
            body=action.body,
            place=record.place,
            outcome=outcome,
            decided_at=now,
            due_at=due,
            expires=self.limits.kept(due),
            states=pending,
        )
        return decision, after

    def _enqueue(self, decided: Sequence[tuple[Record, Decision]]) -> set[str]:
        """Enqueue what is pending. Returns the sequence numbers of what was not enqueued."""
        due: dict[str, list[tuple[Record, Message]]] = defaultdict(list)
        for record, decision in decided:
            for destination, state in decision.states.items():
                if state.status is Status.PENDING and destination in self.destinations:
                    message = Message(decision.id, state.attempt, self._wait(decision))
                    due[destination].append((record, message))
        undone: set[str] = set()
        for destination, pairs in due.items():
            reasons = self.queues.put(destination, [message for _, message in pairs])
            undone |= {
                record.place.sequence_number
                for (record, _), reason in zip(pairs, reasons, strict=True)
                if reason
            }
        return undone

    def _wait(self, decision: Decision) -> timedelta:
        return min(max(decision.due_at - self.clock(), timedelta(0)), LONGEST_DELAY)

    def _other_body(self, record: Record, stored: Decision) -> Entry:
        return self._letter(
            record,
            "refused",
            f"an action with the id {stored.id!r} and another content was decided at "
            f"{stored.decided_at:%Y-%m-%dT%H:%M:%SZ}; that one is sent, this one is not",
            "/id",
        )

    def _letter(
        self, record: Record, reason: Reason, detail: str, field: str | None = None
    ) -> Entry:
        return dead_letter(
            Source(*record.place),
            record.data,
            use_case=self.use_case,
            stage="dispatch",
            reason=reason,
            detail=detail,
            field=field,
            failed_at=self.clock(),
        )

    def _bury(self, letters: Sequence[tuple[Record, Entry]]) -> set[str]:
        """Put dead letters into their stream. Returns the sequence numbers of the others."""
        if not letters:
            return set()
        reasons = self.letters.put(self.dead_letters, [letter for _, letter in letters])
        pairs: Mapping[str, str | None] = {
            record.place.sequence_number: reason
            for (record, _), reason in zip(letters, reasons, strict=True)
        }
        return {number for number, reason in pairs.items() if reason}
