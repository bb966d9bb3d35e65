"""What to do with the Flink application for a request of CloudFormation, and when it is done.

CloudFormation creates the application stopped, and restarts one that runs when its code or its
properties change; what is left is to start it, to wait for it, and to stop it before it goes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from glue.errors import PlatformError


class ApplicationError(PlatformError):
    """The application will not come to run; says in which state it is."""


class Request(StrEnum):
    """What CloudFormation asks for."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


RUNNING, STOPPED = "RUNNING", "READY"
UNDER_WAY = {"STARTING", "UPDATING", "AUTOSCALING", "MAINTENANCE", "STOPPING", "ROLLING_BACK"}
ENDING = {"STOPPING", "FORCE_STOPPING"}
# The states a forced stop is accepted in.
STOPPABLE = {RUNNING, "STARTING", "UPDATING", "AUTOSCALING"}


class Applications(Protocol):
    """The control plane of Managed Flink."""

    def status(self, name: str) -> str | None:
        """The application's status; None if there is no such application."""

    def start(self, name: str, *, allow_non_restored_state: bool) -> None:
        """Start it from its latest snapshot, or from nothing where there is none."""

    def stop(self, name: str) -> None:
        """Stop it without a snapshot."""


def begin(applications: Applications, request: Request, name: str) -> None:
    """Set the application on its way; repeating that does no harm.

    State that a new version has no place for is dropped on creation only: later that would lose
    counts, so the start fails instead.
    """
    status = applications.status(name)
    if request is Request.DELETE:
        # Snapshots go with the application, and taking one could fail and block the deletion.
        if status in STOPPABLE:
            applications.stop(name)
    elif status == STOPPED:
        applications.start(name, allow_non_restored_state=request is Request.CREATE)


def complete(applications: Applications, request: Request, name: str) -> bool:
    """Whether the application is where it was to come; ApplicationError if it never will be."""
    status = applications.status(name)
    if request is Request.DELETE:
        return status not in ENDING
    if status == RUNNING:
        return True
    if status in UNDER_WAY:
        return False
    raise ApplicationError(_reason(name, status))


def _reason(name: str, status: str | None) -> str:
    match status:
        case None:
            return f"{name}: there is no such application"
        case "READY":
            return f"{name}: started, but stopped again (READY); its log says why"
        case _:
            return f"{name}: is {status}, from where it does not come to run; its log says why"
