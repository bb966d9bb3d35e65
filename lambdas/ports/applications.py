"""What the custom resource reads and calls: Managed Flink's control plane and its metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from glue.errors import PlatformError
from glue.state import Operators


class ApplicationError(PlatformError):
    """The application does not run as deployed; the message has its state and the reason."""


@dataclass(frozen=True)
class Operation:
    """One entry of the application's history. `kind` as in the API: `StartApplication`, …"""

    id: str
    kind: str
    status: str
    started: datetime


@dataclass(frozen=True)
class Wait:
    """The time waited so far: from the request until `now`.

    `period`: how often the application reports its metrics.
    """

    since: datetime
    now: datetime
    period: timedelta


class Applications(Protocol):
    """The control plane of Managed Flink, and what CloudWatch has of its jobs."""

    def status(self, name: str) -> str | None:
        """The application's status; None if there is no application of this name."""

    def start(self, name: str, *, allow_non_restored_state: bool) -> None:
        """Start it from its latest snapshot, or with empty state if there is none."""

    def stop(self, name: str) -> None:
        """Stop it without a snapshot."""

    def operators(self, name: str) -> Operators:
        """Its operators with state by use case; empty if there is no such application or list."""

    def operations(self, name: str) -> Sequence[Operation]:
        """Its newest operations, in no order."""

    def error(self, name: str, operation: str) -> str:
        """Why an operation failed; empty if unknown."""

    def restarts(self, name: str, wait: Wait) -> Sequence[float]:
        """The job's restarts at the end of each period of the wait, oldest first.

        Empty while nothing is reported.
        """


class Stacks(Protocol):
    """The stacks of CloudFormation."""

    def is_rolling_back(self, stack: str) -> bool:
        """Whether a failed update of the stack is being undone."""
