"""The ports of the steps. Every method that creates something may be repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# The locks of a use case: one run at a time, and one change of the endpoint at a time.
RUN, ENDPOINT = "lock", "endpoint lock"

Document = Mapping[str, Any]
Row = Sequence[str | None]


@dataclass(frozen=True)
class Partition:
    """An hour of a table: where its files are now, and which hour (UTC, of delivery)."""

    date: str
    hour: str
    location: str


class Lake(Protocol):
    """The use case's tables."""

    def query(self, sql: str) -> list[Row]:
        """The rows of a query, as text."""

    def partitions(self, table: str, since: str) -> list[Partition]:
        """The registered partitions of that date (YYYY-MM-DD) and later, in order."""


class Jobs(Protocol):
    """Training jobs."""

    def create_job(self, request: Document) -> None:
        """Start it; a job of that name that already exists counts as started."""

    def job(self, name: str) -> Document:
        """As SageMaker describes it."""


class Models(Protocol):
    """Models, endpoint configurations, the endpoint, and the registry."""

    def create_model(self, request: Document) -> None:
        """Create it unless it exists."""

    def create_config(self, request: Document) -> None:
        """Create it unless it exists."""

    def endpoint(self, name: str) -> Document | None:
        """As SageMaker describes it; None if there is none."""

    def create_endpoint(self, name: str, config: str) -> None:
        """Make it."""

    def update_endpoint(self, name: str, config: str) -> None:
        """Move it to another configuration."""

    def delete_endpoint(self, name: str) -> None:
        """Remove it."""

    def create_group(self, name: str) -> None:
        """Create the package group unless it exists."""

    def create_package(self, request: Document) -> str:
        """Register a version; its ARN, the same for the same ClientToken."""

    def packages(self, group: str) -> list[Document]:
        """Every package of a group as SageMaker describes it, newest first."""

    def approve(self, arn: str, status: str, description: str) -> None:
        """Set a package's approval."""


class Executions(Protocol):
    """The runs, by the name of their execution."""

    def running(self, name: str) -> bool:
        """Whether it runs; false also where there is none of that name."""


class Ledger(Protocol):
    """The locks, the budget of a day, and the last run, of one use case. Conditional writes."""

    def acquire(self, holder: str, now: int, until: int, lock: str = RUN) -> bool:
        """Take the lock if it is free, expired, or the holder's own. Epoch seconds."""

    def release(self, holder: str, lock: str = RUN) -> None:
        """Release the lock if the holder has it."""

    def holder(self, now: int, lock: str = RUN) -> str | None:
        """The current holder of the lock."""

    def reserve(self, day: str, holder: str, minutes: int, runs_limit: int, limit: int) -> bool:
        """Count a training of at most `minutes` against the day, once per holder."""

    def settle(self, day: str, holder: str, reserved: int, used: int) -> None:
        """Return the minutes that were reserved and not used, once per holder."""

    def last(self) -> dict[str, Any] | None:
        """The values that `record` wrote last."""

    def record(self, run: Document) -> None:
        """Store how a run ended."""
