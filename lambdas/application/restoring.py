"""Whether the new version of an application can restore the state of the running one.

CloudFormation asks before it changes the application. An application that does not exist yet, or
was deployed without a list of its operators, passes.
"""

from __future__ import annotations

from glue.state import Loss, Operators, losses
from lambdas.ports.applications import ApplicationError, Applications

ALLOW = "allow"
_NAMED = 5  # CloudFormation shows 4 KB of a reason


def check(applications: Applications, name: str, operators: Operators, state_loss: str) -> None:
    """Raise ApplicationError with each state that would be lost, and what to do.

    `allow` is for operators that are no longer there. One that is there under its own name and
    cannot read its state would end the job again and again.
    """
    lost = losses(applications.operators(name), operators)
    changed = [loss for loss in lost if loss.needs_name]
    if state_loss == ALLOW and not changed:
        return
    if lost:
        raise ApplicationError(_reason(name, lost, changed))


def _reason(name: str, lost: list[Loss], changed: list[Loss]) -> str:
    named = "; ".join(str(loss) for loss in lost[:_NAMED])
    more = f"; and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
    rename = (
        " Give a changed correlation, or patterns with another key, another 'name' to start it "
        "without state." * bool(changed)
    )
    return (
        f"{name}: the new version cannot restore all state of the running one, which still runs: "
        f"{named}{more}. Keep these parts as they are, or drop their state with stateLoss=allow: "
        "keys that are open then are lost, and buckets that are not final count only what comes "
        f"later.{rename}"
    )
