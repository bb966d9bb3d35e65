"""What the steps need of the outside. Every method that makes something may be repeated."""

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


class Objects(Protocol):
    """The lake's bucket, by key."""

    def read(self, key: str) -> bytes | None:
        """The object; None if there is none."""

    def write(self, key: str, body: bytes, content_type: str) -> None:
        """Put it whole."""

    def copy(self, source: str, key: str) -> None:
        """The same bytes under another key."""

    def keys(self, uri: str) -> list[str]:
        """The keys below an s3:// location of the bucket, in order."""


class Jobs(Protocol):
    """Training jobs."""

    def create_job(self, request: Document) -> None:
        """Start it; one of that name that exists already is the same."""

    def job(self, name: str) -> Document:
        """As SageMaker describes it."""


class Models(Protocol):
    """Models, endpoint configurations, the endpoint, and the registry."""

    def create_model(self, request: Document) -> None:
        """Make it unless it exists."""

    def create_config(self, request: Document) -> None:
        """Make it unless it exists."""

    def endpoint(self, name: str) -> Document | None:
        """As SageMaker describes it; None if there is none."""

    def create_endpoint(self, name: str, config: str) -> None:
        """Make it."""

    def update_endpoint(self, name: str, config: str) -> None:
        """Move it to another configuration."""

    def delete_endpoint(self, name: str) -> None:
        """Remove it."""

    def create_group(self, name: str) -> None:
        """Make the package group unless it exists."""

    def create_package(self, request: Document) -> str:
        """Register a version; its ARN, the same for the same ClientToken."""

    def packages(self, group: str) -> list[Document]:
        """Every package of a group as SageMaker describes it, newest first."""

    def approve(self, arn: str, status: str, description: str) -> None:
        """Set a package's approval."""


class Endpoint(Protocol):
    """Calls of the endpoint."""

    def invoke(self, name: str, body: Document) -> dict[str, Any]:
        """The answer; EndpointUnavailable if there is none in time."""


class Ledger(Protocol):
    """The locks, the budget of a day, and the last run, of one use case. Conditional writes."""

    def acquire(self, holder: str, now: int, until: int, lock: str = RUN) -> bool:
        """Take the lock if it is free, expired, or the holder's own. Epoch seconds."""

    def release(self, holder: str, lock: str = RUN) -> None:
        """Give the lock back, if it is the holder's."""

    def holder(self, now: int, lock: str = RUN) -> str | None:
        """Who has the lock now."""

    def reserve(self, day: str, holder: str, minutes: int, runs_limit: int, limit: int) -> bool:
        """Count a training of at most so many minutes against the day; once for a holder."""

    def settle(self, day: str, holder: str, reserved: int, used: int) -> None:
        """Give back what was reserved and not used; once for a holder."""

    def last(self) -> dict[str, Any] | None:
        """What `record` wrote last."""

    def record(self, run: Document) -> None:
        """Remember how a run ended."""
