"""How long each stage of the chain takes, from the times at which its records arrived.

A stage ends when the next stream has its record (Kinesis' ApproximateArrivalTimestamp), so nothing
is added to the records, which are the same at each computation. The times are of different clocks:
a stage that is shorter than the difference of these is 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from glue.instants import parse
from lambdas.ports.actions import Decision, Outcome, Status
from sdpctl import streams
from sdpctl.streams import Arrived

STAGES: Mapping[str, str] = {
    "door": "received by the API, until the stream of events has it",
    "pattern": "then, or at the time of the business event if that is later, until it is written",
    "decision": "then, until its decision is written, with the score",
    "action": "from the business event, until its action is written",
    "dispatch": "then, until it is enqueued for its destinations",
    "delivery": "from when it is due, until a destination has accepted it",
    "total": "received by the API, until a destination has accepted the action",
}
PERCENTILES = (50, 90, 99)
Key = tuple[str, str]


@dataclass(frozen=True)
class Stage:
    """Milliseconds that a stage took."""

    name: str
    times: tuple[float, ...]

    def percentile(self, share: int) -> float:
        """Of the times, the least that this share of them does not exceed."""
        return self.times[max(0, math.ceil(len(self.times) * share / 100) - 1)]

    def to_json(self) -> dict[str, Any]:
        """With its percentiles in milliseconds; none of them if nothing was measured."""
        found = {f"p{share}": self.percentile(share) for share in PERCENTILES if self.times}
        most = {"max": self.times[-1]} if self.times else {}
        return {"stage": self.name, "count": len(self.times), **found, **most}


@dataclass(frozen=True)
class Records:
    """What arrived in the streams of one use case; `events` only those that a chain began with."""

    events: Mapping[str, Arrived]
    found: Mapping[Key, Arrived]
    decisions: Mapping[Key, Arrived]
    actions: Mapping[Key, Arrived]
    dispatched: Mapping[str, Decision]


def read(
    kinesis: Any,
    event_streams: Iterable[str],
    chain: tuple[str, str, str],
    dispatched: Iterable[Decision],
    start: datetime,
) -> Records:
    """What arrived since `start`; `chain` are the streams of `sdpctl.chain.stream_names`."""
    found, decisions, actions = (_by_trace(streams.since(kinesis, s, start)) for s in chain)
    names = {trace_id for trace_id, _ in found}
    events = {
        arrived.row["event_id"]: arrived
        for stream in event_streams
        for arrived in reversed(list(_named(streams.since(kinesis, stream, start), names)))
    }
    return Records(events, found, decisions, actions, {action.id: action for action in dispatched})


def _named(arrived: Iterable[Arrived], names: set[str]) -> Iterator[Arrived]:
    return (one for one in arrived if one.row.get("event_id") in names)


def _by_trace(arrived: Iterable[Arrived]) -> dict[Key, Arrived]:
    """The first copy of each record: what comes again after a restart says nothing of its time."""
    first: dict[Key, Arrived] = {}
    for one in arrived:
        key = (str(one.row.get("trace_id")), str(one.row.get("kind")))
        if key not in first or one.at < first[key].at:
            first[key] = one
    return first


def stages(records: Records) -> Sequence[Stage]:
    """Each stage, with its times in ascending order."""
    measured: dict[str, list[float]] = {name: [] for name in STAGES}
    for key, found in records.found.items():
        for name, (begin, end) in _spans(records, key, found).items():
            if begin is not None and end is not None:
                measured[name].append(max(0.0, (end - begin).total_seconds() * 1000))
    return [Stage(name, tuple(sorted(times))) for name, times in measured.items()]


def _spans(
    records: Records, key: Key, found: Arrived
) -> dict[str, tuple[datetime | None, datetime | None]]:
    event = records.events.get(key[0])
    decision, action = records.decisions.get(key), records.actions.get(key)
    received = None if event is None else parse(event.row["received_at"])
    begin = None if event is None else max(event.at, parse(found.row["occurred_at"]))
    sent = None if action is None else records.dispatched.get(action.row["id"])
    dispatched, due, delivered = (None,) * 3 if sent is None else _dispatched(sent)
    return {
        "door": (received, event and event.at),
        "pattern": (begin, found.at),
        "decision": (found.at, decision and decision.at),
        "action": (found.at, action and action.at),
        "dispatch": (action and action.at, dispatched),
        "delivery": (due, delivered),
        "total": (received, delivered),
    }


def _dispatched(sent: Decision) -> tuple[datetime, datetime, datetime | None]:
    """When it was decided, is due, and had been accepted by the first of its destinations."""
    times = [s.at for s in sent.states.values() if s.status is Status.SENT and s.at is not None]
    accepted = min(times) if times and sent.outcome is Outcome.DUE else None
    return sent.decided_at, sent.due_at, accepted
