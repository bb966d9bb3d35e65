"""Step Functions: 25,000 events of history per execution and 256 KiB of payload between states.

The emulator has neither limit. What exceeds one ends the execution, as there: no Catch of
States.ALL catches it.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services import stepfunctions

HISTORY_EVENTS = 25_000
PAYLOAD_BYTES = 262_144
REPLACED: dict[Callable[..., Any], list[str]] = {
    stepfunctions._add_event: ["execution", "event_type", "details"],
}
USED: dict[ModuleType, tuple[str, ...]] = {stepfunctions: ("_run_execution", "_fail_execution")}
# A function's task has two events on AWS (scheduled and started) where the emulator has one.
_TWICE = "TaskScheduled"
_LAST = "ExecutionFailed"
_add = stepfunctions._add_event


class LimitExceeded(Exception):
    """Not an error that the states can catch: the emulator ends the execution for it."""


def replace() -> None:
    """Hold each event of a history to both limits."""
    stepfunctions._add_event = add_event


def add_event(
    execution: dict[str, Any], event_type: str, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The event is kept; LimitExceeded where it is one too many, or its payload too large."""
    event: dict[str, Any] = _add(execution, event_type, details)
    count = execution["historyEvents"] = (
        execution.get("historyEvents", 1) + 1 + (event_type == _TWICE)
    )
    if event_type == _LAST:
        return event
    if count > HISTORY_EVENTS:
        raise LimitExceeded(
            f"The execution reached the maximum number of history events ({HISTORY_EVENTS})."
        )
    if (size := _payload_bytes(details or {})) > PAYLOAD_BYTES:
        raise LimitExceeded(
            f"States.DataLimitExceeded: {event_type} has a payload of {size} bytes; the maximum "
            f"is {PAYLOAD_BYTES}."
        )
    return event


def _payload_bytes(details: dict[str, Any]) -> int:
    """Of the largest input or output of an event."""
    texts = [part.get(name, "") for part in details.values() for name in ("input", "output")]
    return max((len(text.encode()) for text in texts), default=0)
