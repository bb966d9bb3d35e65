"""Whether the application's job really runs: RUNNING alone does not say so.

An application whose job fails and restarts again and again is RUNNING, and so is one that was
rolled back to the version before. Operations tell of the second, `numRestarts` of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from lambdas.application.ports import ApplicationError, Applications, Operation, Wait

# Other operations, such as a change of parallelism by autoscaling, are no answer to a deployment.
DEPLOYING = {"StartApplication", "UpdateApplication", "RollbackApplication"}
ROLLBACK, FAILED = "RollbackApplication", "FAILED"
QUIET_PERIODS = 3  # without a restart: then the job runs
MOST_RESTARTS = 3  # a job may need a second attempt while its streams or its role become visible
PATIENCE = timedelta(minutes=25)  # the provider framework gives up after 30, without a reason


def check_operations(applications: Applications, name: str) -> None:
    """Raise ApplicationError if the newest deployment failed or was rolled back, with its error."""
    found = [o for o in applications.operations(name) if o.kind in DEPLOYING]
    found.sort(key=lambda operation: operation.started, reverse=True)
    if not found:
        return
    newest, error = found[0], _error(applications, name, found)
    if newest.kind == ROLLBACK:
        raise ApplicationError(
            f"{name}: was rolled back to the version before: {error}; its log has the whole error"
        )
    if newest.status == FAILED:
        raise ApplicationError(
            f"{name}: {newest.kind} failed: {error}; its log has the whole error"
        )


def _error(applications: Applications, name: str, newest_first: Sequence[Operation]) -> str:
    """That of the newest operation that failed: the cause of a rollback is the one before it."""
    failed = next((o for o in newest_first if o.status == FAILED), None)
    error = applications.error(name, failed.id) if failed else ""
    return error or "Managed Flink gives no reason"


def runs_steadily(applications: Applications, name: str, wait: Wait) -> bool:
    """Whether the job has run for some periods without a restart.

    Raises ApplicationError if it restarts again and again, or reports nothing for too long.
    """
    restarts = applications.restarts(name, wait)
    # The first periods may still be those of the version before, which had a count of its own.
    risen = restarts[-1] - min(restarts) if restarts else 0
    if risen >= MOST_RESTARTS:
        raise ApplicationError(
            f"{name}: RUNNING, but its job has restarted {risen:.0f} times since it was started; "
            "its log says why"
        )
    newest = restarts[-QUIET_PERIODS:]
    if len(newest) == QUIET_PERIODS and len(set(newest)) == 1:
        return True
    if wait.now - wait.since > PATIENCE:
        raise ApplicationError(
            f"{name}: RUNNING, but its metric numRestarts does not show {QUIET_PERIODS} periods "
            f"without a restart in {PATIENCE}: {list(newest)}; its log says why"
        )
    return False
