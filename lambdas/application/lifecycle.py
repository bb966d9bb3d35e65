"""What a CloudFormation request does to the Flink application, and when it is complete.

CloudFormation creates the application stopped, and restarts a running one when its code or its
properties change. This module starts it, waits until its job really runs (`health`), and stops
it before it is deleted.
"""

from __future__ import annotations

from enum import StrEnum

from lambdas.application import health
from lambdas.ports.applications import ApplicationError, Applications, Wait


class Request(StrEnum):
    """A request of CloudFormation."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


RUNNING, STOPPED = "RUNNING", "READY"
UNDER_WAY = {"STARTING", "UPDATING", "AUTOSCALING", "MAINTENANCE", "STOPPING", "ROLLING_BACK"}
ENDING = {"STOPPING", "FORCE_STOPPING"}
# The states that accept a forced stop.
STOPPABLE = {RUNNING, "STARTING", "UPDATING", "AUTOSCALING"}


def begin(
    applications: Applications, request: Request, name: str, *, allow_state_loss: bool
) -> None:
    """Start or stop the application; idempotent.

    State that the new version does not have is dropped only if that is allowed: it would lose
    counts, so the start fails instead.
    """
    status = applications.status(name)
    if request is Request.DELETE:
        # Snapshots are deleted with the application; taking one could fail and block the deletion.
        if status in STOPPABLE:
            applications.stop(name)
    elif status == STOPPED:
        applications.start(name, allow_non_restored_state=allow_state_loss)


def complete(applications: Applications, request: Request, name: str, wait: Wait) -> bool:
    """Whether the application has reached the requested state.

    Raises ApplicationError with the reason if it cannot: its start failed, it was rolled back,
    its job keeps restarting, or it does not show that its job runs.
    """
    status = applications.status(name)
    if request is Request.DELETE:
        return status not in ENDING
    if status in UNDER_WAY:
        return False
    health.check_operations(applications, name)
    if status != RUNNING:
        raise ApplicationError(_reason(name, status))
    return health.runs_steadily(applications, name, wait)


def _reason(name: str, status: str | None) -> str:
    match status:
        case None:
            return f"{name}: no application has this name"
        case "READY":
            return f"{name}: started, but stopped again (READY); see its log"
        case _:
            return f"{name}: cannot start from status {status}; see its log"
