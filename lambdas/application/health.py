"""Whether the application's job really runs; the status RUNNING is not enough.

An application whose job keeps failing and restarting is RUNNING, and so is one that was rolled
back to the previous version. `numRestarts` shows the first, the list of operations the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from lambdas.ports.applications import ApplicationError, Applications, Operation, Wait

# Other operations, such as a change of parallelism by autoscaling, do not result from a deployment.
DEPLOYING = {"StartApplication", "UpdateApplication", "RollbackApplication"}
ROLLBACK, FAILED = "RollbackApplication", "FAILED"
QUIET_PERIODS = 3  # without a restart: then the job runs
MAX_RESTARTS = 3  # a job may need a second attempt while its streams or its role become visible
TIMEOUT = timedelta(minutes=25)  # the provider framework gives up after 30, without a reason


def check_operations(applications: Applications, name: str) -> None:
    """Raise ApplicationError if the newest deployment failed or was rolled back, with its error."""
    deployments = [o for o in applications.operations(name) if o.kind in DEPLOYING]
    deployments.sort(key=lambda operation: operation.started, reverse=True)
    if not deployments:
        return
    newest, error = deployments[0], _error(applications, name, deployments)
    if newest.kind == ROLLBACK:
        raise ApplicationError(
            f"{name}: was rolled back to the previous version: {error}; see its log for details"
        )
    if newest.status == FAILED:
        raise ApplicationError(f"{name}: {newest.kind} failed: {error}; see its log for details")


def _error(applications: Applications, name: str, newest_first: Sequence[Operation]) -> str:
    """The error of the newest failed operation; a rollback follows the one that caused it."""
    failed = next((o for o in newest_first if o.status == FAILED), None)
    error = applications.error(name, failed.id) if failed else ""
    return error or "Managed Flink gives no reason"


def runs_steadily(applications: Applications, name: str, wait: Wait) -> bool:
    """Whether the job has run for some periods without a restart.

    Raises ApplicationError if it keeps restarting, or reports nothing for too long.
    """
    restarts = applications.restarts(name, wait)
    # The first periods may still be those of the previous version, which had its own count.
    risen = restarts[-1] - min(restarts) if restarts else 0
    if risen >= MAX_RESTARTS:
        raise ApplicationError(
            f"{name}: RUNNING, but its job has restarted {risen:.0f} times since it was started; "
            "see its log"
        )
    newest = restarts[-QUIET_PERIODS:]
    if len(newest) == QUIET_PERIODS and len(set(newest)) == 1:
        return True
    if wait.now - wait.since > TIMEOUT:
        raise ApplicationError(
            f"{name}: RUNNING, but its metric numRestarts does not show {QUIET_PERIODS} periods "
            f"without a restart in {TIMEOUT}: {list(newest)}; see its log"
        )
    return False
