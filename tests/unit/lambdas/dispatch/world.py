"""A stream, a table, queues and a clock that a test moves; destinations are real.

What Kinesis and SQS do after a crash happens here too: a batch that raised is delivered again, a
message whose handler was killed comes back with the same id when it is visible again. `Killed` is
raised before or after one of the writes, and no code of ours catches it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from glue import instants
from glue.actions import Dispatching
from lambdas.dispatch.deciding import Decide, Record
from lambdas.dispatch.delivering import Deliver, Received
from lambdas.dispatch.limits import Limits
from lambdas.ports.actions import (
    Decision,
    Destination,
    Failure,
    Message,
    Place,
    State,
    Times,
)
from lambdas.ports.stream import Entry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
VISIBLE_AGAIN = timedelta(seconds=360)


class Killed(BaseException):
    """The function's process ended here."""


@dataclass
class Kill:
    """Ends the process at one of its writes: the `at`th, before or after it is done."""

    at: int = -1
    after: bool = False
    writes: int = 0

    def __call__(self, write: Any) -> Any:
        """Make a write."""
        number, self.writes = self.writes, self.writes + 1
        if number == self.at and not self.after:
            raise Killed
        result = write()
        if number == self.at:
            raise Killed
        return result


class MemoryStore:
    """A table in memory; it is held to the same contract as the real one (test_destinations)."""

    def __init__(self, kill: Kill | None = None) -> None:
        self._kill = kill or Kill()
        self._lock = threading.Lock()
        self._actions: dict[str, Decision] = {}
        self._times: dict[str, Times] = {}
        self._disabled: dict[str, dict[str, str]] = {}

    def action(self, id_: str) -> Decision | None:
        """The stored action."""
        return self._actions.get(id_)

    def times(self, customer: str) -> Times:
        """The times of the customer's actions."""
        return self._times.get(customer, Times())

    def enter(self, decision: Decision, before: Times | None, after: Times | None) -> bool:
        """Store a decision and the customer's times together."""

        def write() -> bool:
            with self._lock:
                if decision.id in self._actions:
                    return False
                if before and after and not self._changed(decision.customer, before, after):
                    return False
                self._actions[decision.id] = decision
                return True

        return bool(self._kill(write))

    def change(self, customer: str, before: Times, after: Times, expires: datetime) -> bool:
        """Replace a customer's times."""

        def write() -> bool:
            with self._lock:
                return self._changed(customer, before, after)

        return bool(self._kill(write))

    def _changed(self, customer: str, before: Times, after: Times) -> bool:
        if self.times(customer).version != before.version:
            return False
        self._times[customer] = replace(after, version=before.version + 1)
        return True

    def settle(self, id_: str, destination: str, attempt: int, state: State) -> bool:
        """Replace a pending state of that attempt."""
        return self.restart(id_, destination, State(attempt=attempt), state)

    def restart(self, id_: str, destination: str, before: State, state: State) -> bool:
        """Replace a state of that attempt and status."""

        def write() -> bool:
            with self._lock:
                stored = self._actions[id_]
                held = stored.states[destination]
                if (held.attempt, held.status) != (before.attempt, before.status):
                    return False
                states = {**stored.states, destination: state}
                self._actions[id_] = replace(stored, states=states)
                return True

        return bool(self._kill(write))

    def disabled(self, destination: str) -> dict[str, str] | None:
        """What disabled the destination."""
        return self._disabled.get(destination)

    def disable(self, destination: str, url: str, at: datetime) -> None:
        """Send nothing more to this URL."""
        entry = {"url": url, "at": instants.to_wire(at)}
        self._kill(lambda: self._disabled.update({destination: entry}))


@dataclass
class Waiting:
    """A message in a queue."""

    message: Message
    message_id: str
    visible_at: datetime


@dataclass
class Recorded:
    """A destination that keeps what it was sent, and fails as often as a test wants."""

    name: str = "bus"
    address: str = "default"
    failures: list[Failure | None] = field(default_factory=list)
    received: list[tuple[str, str]] = field(default_factory=list)

    def send(self, actions: Sequence[Decision]) -> list[Failure | None]:
        """Keep each; fail as often as there are failures."""
        self.received += [(action.id, action.body) for action in actions]
        return [self.failures.pop(0) if self.failures else None for _ in actions]


@dataclass
class Timed:
    """A destination that notes when it was handed each action; `answer` decides how it ends."""

    answer: Callable[[Decision], Failure | None]
    clock: Callable[[], datetime]
    name: str = "bus"
    address: str = "default"
    handed: list[tuple[datetime, str, str]] = field(default_factory=list)
    """Time, id and body of what it has received, accepted or not."""

    def send(self, actions: Sequence[Decision]) -> list[Failure | None]:
        """What it cannot have received is not noted."""
        answers = [self.answer(action) for action in actions]
        self.handed += [
            (self.clock(), action.id, action.body)
            for action, answer in zip(actions, answers, strict=True)
            if answer is None or answer.received
        ]
        return answers


class World:
    """One use case's dispatch with the destinations that a test gives it."""

    def __init__(self, *destinations: Destination, kill: Kill | None = None, **values: str) -> None:
        self.now = NOON
        self.kill = kill or Kill()
        self.store = MemoryStore(self.kill)
        self.queued: dict[str, list[Waiting]] = {d.name: [] for d in destinations}
        self.letters: list[dict[str, Any]] = []
        self.counts: dict[str, int] = {}
        self._ids = 0
        self.dispatching = Dispatching.parse(values)
        common: dict[str, Any] = {
            "use_case": "shop",
            "store": self.store,
            "queues": self,
            "letters": _Letters(self),
            "dead_letters": "t-dead-letters",
            "clock": lambda: self.now,
            "count": self._count,
        }
        self.decide = Decide(
            limits=Limits.of(self.dispatching), destinations=list(self.queued), **common
        )
        self.deliver = {
            d.name: Deliver(
                destination=d,
                limits=Limits.of(self.dispatching),
                retry_for=self.dispatching.duration("ActionRetryFor"),
                jitter=lambda: 1.0,
                **common,
            )
            for d in destinations
        }

    def put(self, destination: str, messages: Sequence[Message]) -> list[str | None]:
        """The port to the queues."""

        def enqueue() -> None:
            for message in messages:
                self._ids += 1
                visible = self.now + message.delay
                self.queued[destination].append(Waiting(message, f"m{self._ids}", visible))

        self.kill(enqueue)
        return [None] * len(messages)

    def stream(self, *rows: dict[str, Any]) -> None:
        """A batch of Kinesis, delivered until it is not killed and nothing is left to do."""
        records = [record(number, row) for number, row in enumerate(rows)]
        while records:
            try:
                undone = self.decide(records)
            except Killed:
                continue
            records = [r for r in records if r.place.sequence_number in undone]

    def run(self, until: datetime) -> None:
        """Deliver messages as they become visible, and move the clock to each."""
        while True:
            waiting = [(w.visible_at, name) for name, queue in self.queued.items() for w in queue]
            if not waiting or min(waiting)[0] > until:
                self.now = max(self.now, until)
                return
            visible_at, name = min(waiting)
            self.now = max(self.now, visible_at)
            self.on_time()
            self._batch(name)

    def on_time(self) -> None:
        """A test replaces this to change the world at a time."""

    def _batch(self, name: str) -> None:
        """Up to ten visible messages of a queue; what is not done is visible again later."""
        queue = self.queued[name]
        batch = [w for w in queue if w.visible_at <= self.now][:10]
        for waiting in batch:
            waiting.visible_at = self.now + VISIBLE_AGAIN
        try:
            undone = self.deliver[name]([Received(w.message_id, *w.message[:2]) for w in batch])
        except Killed:
            return
        queue[:] = [w for w in queue if w not in batch or w.message_id in undone]

    def _count(self, name: str, number: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + number


class _Letters:
    def __init__(self, world: World) -> None:
        self._world = world

    def put(self, stream: str, entries: Sequence[Entry]) -> list[str | None]:
        assert stream == "t-dead-letters"
        parsed = [json.loads(entry.data) for entry in entries]
        self._world.kill(lambda: self._world.letters.extend(parsed))
        return [None] * len(entries)


def record(number: int, row: dict[str, Any]) -> Record:
    """A record of the stream of actions."""
    place = Place("t-actions", "shardId-000000000000", str(number))
    return Record(place, json.dumps(row).encode())


def action(id_: str, customer: str | None = "ada", **more: Any) -> dict[str, Any]:
    """A row of the stream of actions."""
    return {
        "id": id_,
        "kind": "shopping",
        "subject": "card-1",
        "customer_id": customer,
        "channel": "push",
        "title": "Your account",
        "message": "A balance of 150.00 is left.",
        "occurred_at": "2026-03-01T11:59:58.000Z",
        **more,
    }


def create_table(client: Any, table: str) -> None:
    """As infra/constructs/action_table.py has it."""
    texts = ["pk", "sk", "customer", "slot"]
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in texts]
    client.create_table(
        TableName=table,
        AttributeDefinitions=[*attributes, {"AttributeName": "decided_at", "AttributeType": "N"}],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": name, "KeyType": "HASH"},
                    {"AttributeName": "decided_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, name in (("by-customer", "customer"), ("by-day", "slot"))
        ],
        BillingMode="PAY_PER_REQUEST",
    )
