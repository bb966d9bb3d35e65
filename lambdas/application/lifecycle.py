"""What to do with the Flink application for a request of CloudFormation, and when it is done.

CloudFormation creates the application stopped, and restarts one that runs when its code or its
properties change; what is left is to start it, to wait until its job really runs (`health`), and
to stop it before it is deleted.
"""

from __future__ import annotations

from enum import StrEnum

from lambdas.application import health
from lambdas.application.ports import ApplicationError, Applications, Wait


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


def begin(applications: Applications, request: Request, name: str) -> None:
    """Start or stop the application; repeating that does no harm.

    State that a new version has no place for is dropped on creation only: later that would lose
    counts, so the start fails instead.
    """
    status = applications.status(name)
    if request is Request.DELETE:
        # Snapshots are deleted with the application; taking one could fail and block the deletion.
        if status in STOPPABLE:
            applications.stop(name)
    elif status == STOPPED:
        applications.start(name, allow_non_restored_state=request is Request.CREATE)


def complete(applications: Applications, request: Request, name: str, wait: Wait) -> bool:
    """Whether the application has reached what was asked for.

    Raises ApplicationError, naming the reason, if it will not: its start failed, it was rolled
    back, its job restarts again and again, or it does not show that its job runs.
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
            return f"{name}: there is no application of this name"
        case "READY":
            return f"{name}: started, but stopped again (READY); its log says why"
        case _:
            return f"{name}: is {status}, from which it does not start; its log says why"
