"""The chain of one event: the business event that it made, its decision, and the action.

All of them have the `trace_id` of the event, and are read from their streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from glue import UseCase
from glue.definitions import DECISIONS
from infra.topology import Topology
from sdpctl import streams
from sdpctl.errors import CommandError

Row = Mapping[str, Any]
# What every business event has; the other fields are those of its kind.
_COMMON = {"id", "kind", "subject", "occurred_at", "causes", "trace_id"}


@dataclass(frozen=True)
class Chain:
    """What an event led to, as far as it is there."""

    event: Row | None
    decision: Row | None
    action: Row | None

    @property
    def is_complete(self) -> bool:
        """Whether nothing more can follow."""
        if self.event is None or self.decision is None:
            return False
        return self.action is not None or not self.decision.get("action_id")

    def lines(self) -> list[str]:
        """Event, decision and message, one line for each that is there."""
        found = ((_event, self.event), (_decision, self.decision), (message, self.action))
        return [line(row) for line, row in found if row is not None]


def stream_names(topology: Topology, use_case: UseCase) -> tuple[str, str, str]:
    """The streams of business events, decisions and actions, as they are named in AWS.

    Raises CommandError if the use case has not all of them.
    """
    event = use_case.definitions and use_case.definitions.event
    if not event or use_case.actions is None:
        raise CommandError(f"{use_case.name} has no business events or no actions")
    own = (event.stream, DECISIONS, use_case.actions.stream)
    names = {s.stream: s.name for s in topology.streams if s.use_case == use_case.name}
    if missing := [stream for stream in own if stream not in names]:
        raise CommandError(f"{use_case.name} has no stream {missing[0]}")
    events, decisions, actions = (names[stream] for stream in own)
    return events, decisions, actions


def of_event(
    kinesis: Any, names: tuple[str, str, str], trace_id: str, kind: str, start: datetime
) -> Chain:
    """The chain of the business event of a kind that an event named; arrived since `start`."""
    return Chain(*(_first(kinesis, name, trace_id, kind, start) for name in names))


def _first(kinesis: Any, stream: str, trace_id: str, kind: str, start: datetime) -> Row | None:
    rows = (arrived.row for arrived in streams.since(kinesis, stream, start))
    own = (row for row in rows if row.get("trace_id") == trace_id and row.get("kind") == kind)
    return next(own, None)


def _event(row: Row) -> str:
    own = {name: value for name, value in row.items() if name not in _COMMON and value is not None}
    fields = ", ".join(f"{name} {_shown(value)}" for name, value in sorted(own.items()))
    return f"event     {row['kind']} of {row['subject']} at {row['occurred_at']}: {fields}"


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _decision(row: Row) -> str:
    rules = [_rule(rule) for rule in orjson.loads(row["rules"])] or ["there is no rule"]
    reasons = [*rules, *([row["detail"]] if row.get("detail") else [])]
    return f"decision  {'passed' if row['passed'] else 'stopped'}: {'; '.join(reasons)}"


def _rule(rule: Row) -> str:
    reason = f" ({rule['reason']})" if rule.get("reason") else ""
    used = ", ".join(f"{name} version {n}" for name, n in rule.get("features", {}).items())
    by = f" with {used}" if used else ""
    return f"rule {rule['name']} version {rule['version']}{by} is {rule['result']}{reason}"


def message(row: Row) -> str:
    """The line of an action."""
    to = row.get("customer_id") or row["subject"]
    return f"message   to {to} by {row['channel']}: {row['title']}: {row['message']}"
