"""What dispatch needs: the table of actions, queues of deliveries, and destinations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from glue.errors import PlatformError


class StoreUnavailable(PlatformError):
    """The table or queue did not respond; the same request may succeed later."""


class Outcome(StrEnum):
    """What was decided about an action, once."""

    DUE = "due"  # it is sent, from `due_at` on
    CAPPED = "capped"  # the customer has received as many as ActionCap allows
    EXPIRED = "expired"  # older than ActionMaxAge


class Status(StrEnum):
    """The state of an action at one destination."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True)
class State:
    """An action at one destination.

    `attempt` grows with each attempt and each resend, and is never used twice. `tries` are the
    failed attempts since `since`, where the time for retries begins: it moves on by whatever an
    attempt waited beyond `due`, the time that the delay after the one before it leads to. `owner`
    is the message whose attempt led to this state.
    """

    attempt: int = 0
    tries: int = 0
    since: datetime | None = None
    due: datetime | None = None
    status: Status = Status.PENDING
    owner: str = ""
    error: str = ""
    at: datetime | None = None


class Place(NamedTuple):
    """Where the action's record was read."""

    stream: str
    shard: str
    sequence_number: str


@dataclass(frozen=True)
class Decision:
    """An action with what was decided about it; stored once, before anything is sent.

    `body` is what every destination receives, at each attempt. `customer`: whom limits protect.
    """

    id: str
    kind: str
    channel: str
    customer: str
    occurred_at: datetime
    body: str
    place: Place
    outcome: Outcome
    decided_at: datetime
    due_at: datetime
    expires: datetime
    states: Mapping[str, State] = field(default_factory=dict)


@dataclass(frozen=True)
class Times:
    """The times of a customer's actions, by their ids; `version` counts the changes of these.

    `planned` is when an action is due, or when its turn comes, or when a destination accepted it.
    `handed` is the latest time at which a destination may have received it.
    """

    planned: Mapping[str, datetime] = field(default_factory=dict)
    handed: Mapping[str, datetime] = field(default_factory=dict)
    version: int = 0


class ActionStore(Protocol):
    """The table of one use case's actions. Reads are consistent; all raise StoreUnavailable."""

    def action(self, id_: str) -> Decision | None:
        """The stored action."""

    def times(self, customer: str) -> Times:
        """The times of the customer's actions."""

    def enter(self, decision: Decision, before: Times | None, after: Times | None) -> bool:
        """Store the decision and, if `before` is given, the customer's new times, together.

        False, and nothing stored, if the action exists or the times have changed since `before`.
        The version of `after` is ignored.
        """

    def change(self, customer: str, before: Times, after: Times, expires: datetime) -> bool:
        """Replace a customer's times. False if they have changed since `before`."""

    def settle(self, id_: str, destination: str, attempt: int, state: State) -> bool:
        """Replace a pending state of that attempt. False if another message has replaced it."""

    def disabled(self, destination: str) -> Mapping[str, str] | None:
        """`url` and `at` of the answer that disabled the destination; None if it is enabled."""

    def disable(self, destination: str, url: str, at: datetime) -> None:
        """Send nothing more to this URL."""


class ActionLog(Protocol):
    """The actions of one use case as a list."""

    def newest(self, customer: str | None, since: datetime, until: datetime) -> Iterator[Decision]:
        """Actions decided from `since` to `until`, the newest first, then by id; of one or all.

        Raises StoreUnavailable.
        """


# The longest that SQS delays a message; longer waits are several of them.
LONGEST_DELAY = timedelta(minutes=15)


class Message(NamedTuple):
    """A delivery that is due: an action's id, and the attempt that it is for."""

    id: str
    attempt: int
    delay: timedelta = timedelta(0)


class Queues(Protocol):
    """A queue of messages for each destination."""

    def put(self, destination: str, messages: Sequence[Message]) -> list[str | None]:
        """Enqueue. Returns, per message, None or the reason why it was not enqueued."""


class Failure(NamedTuple):
    """Why an attempt failed. `gone`: the destination wants no more (HTTP 410).

    `received`: the destination may have the action all the same.
    """

    reason: str
    retry_after: timedelta | None = None
    gone: bool = False
    received: bool = True


class Destination(Protocol):
    """One destination of one use case's actions."""

    @property
    def name(self) -> str:
        """`webhook`, `bus` or `topic`."""

    @property
    def address(self) -> str:
        """The URL or the name."""

    def send(self, actions: Sequence[Decision]) -> list[Failure | None]:
        """One attempt for each action. Returns, per action, None or why it failed."""
