"""How long each stage of the chain takes, from the times at which its records arrived.

A stage ends when the next stream has its record (Kinesis' ApproximateArrivalTimestamp), so nothing
is added to the records, which are the same at each computation. The times are of different clocks:
a stage that is shorter than the difference of these is 0.

What happens within the application leaves no record: when it has read an event, and how long a
score takes, are metrics that it publishes.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from glue.instants import parse
from lambdas.ports.actions import Decision, Outcome, Status
from sdpctl import streams
from sdpctl.streams import Arrived

STAGES: Mapping[str, str] = {
    "door": "received by the API, until the stream of events has it",
    "kinesis": "then, until the application has read it (metric, of its last thousand events)",
    "pattern": "in the stream, or the business event's time if that is later, until it is written",
    "decision": "then, until its decision is written, with the score",
    "score": "one score, a part of the decision (metric, of the last thousand)",
    "action": "from the business event, until its action is written",
    "dispatch": "then, until it is enqueued for its destinations",
    "delivery": "from when it is due, until a destination has accepted it",
    "total": "received by the API, until a destination has accepted the action",
}
PERCENTILES = (50, 90, 99)
NAMESPACE = "AWS/KinesisAnalytics"
PERIOD = timedelta(minutes=1)  # of metrics
QUERIES = 500  # of one request
Key = tuple[str, str]


@dataclass(frozen=True)
class Metric:
    """A percentile that an application publishes, without its `P50`, as the unit it is in."""

    name: str
    dimension: str
    milliseconds: float


# What is measured within the application; the dimension has a value for each stream or name.
METRICS: Mapping[str, Metric] = {
    "kinesis": Metric("readAfterMillis", "Stream", 1),
    "score": Metric("scoreMicros", "Decisions", 0.001),
}


@dataclass(frozen=True)
class Stage:
    """Milliseconds that a stage took."""

    name: str
    times: tuple[float, ...]

    @property
    def count(self) -> int | None:
        """How many times were measured."""
        return len(self.times)

    @property
    def most(self) -> float | None:
        """The longest time."""
        return self.times[-1] if self.times else None

    def percentile(self, share: int) -> float | None:
        """Of the times, the least that this share of them does not exceed; None without times."""
        if not self.times:
            return None
        return self.times[max(0, math.ceil(len(self.times) * share / 100) - 1)]


@dataclass(frozen=True)
class Reported:
    """Milliseconds that a stage took, of which only percentiles are known."""

    name: str
    percentiles: Mapping[int, float]
    count: int | None = None
    most: float | None = None

    def percentile(self, share: int) -> float | None:
        """That percentile; None if it was not reported."""
        return self.percentiles.get(share)


def to_json(stage: Stage | Reported) -> dict[str, Any]:
    """A stage with what is known of it, in milliseconds."""
    values = {f"p{share}": stage.percentile(share) for share in PERCENTILES}
    row = {"stage": stage.name, "count": stage.count, **values, "max": stage.most}
    return {name: value for name, value in row.items() if value is not None}


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


def reported(
    cloudwatch: Any,
    application: str,
    event_streams: Collection[str],
    start: datetime,
    end: datetime,
) -> Mapping[str, Reported]:
    """The stages of METRICS: of each percentile the newest value, of several values the greatest.

    There is a value for each subtask's streams and decisions; of streams, only these count.
    """
    wanted = {f"{m.name}P{share}": (n, share) for n, m in METRICS.items() for share in PERCENTILES}
    chosen = [
        metric
        for metric in _listed(cloudwatch, application)
        if (known := wanted.get(metric["MetricName"]))
        and _is_chosen(metric["Dimensions"], METRICS[known[0]], event_streams)
    ]
    newest: dict[str, dict[int, float]] = {stage: {} for stage in METRICS}
    for metric, value in _newest(cloudwatch, chosen, start, end):
        stage, share = wanted[metric["MetricName"]]
        value *= METRICS[stage].milliseconds
        newest[stage][share] = max(value, newest[stage].get(share, value))
    # All are 0 until something was measured.
    return {n: Reported(n, values if any(values.values()) else {}) for n, values in newest.items()}


def _listed(cloudwatch: Any, application: str) -> Iterator[Mapping[str, Any]]:
    """The metrics of an application, each with its names."""
    owner = {"Name": "Application", "Value": application}
    pages = cloudwatch.get_paginator("list_metrics").paginate(
        Namespace=NAMESPACE, Dimensions=[owner]
    )
    return (metric for page in pages for metric in page["Metrics"])


def _newest(
    cloudwatch: Any, metrics: Sequence[Mapping[str, Any]], start: datetime, end: datetime
) -> Iterator[tuple[Mapping[str, Any], float]]:
    """The newest value of each metric that has one in that time."""
    for first in range(0, len(metrics), QUERIES):
        some = metrics[first : first + QUERIES]
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[_query(f"m{n}", metric) for n, metric in enumerate(some)],
            StartTime=start.replace(second=0, microsecond=0),
            EndTime=end + PERIOD,
        )
        found: dict[str, tuple[datetime, float]] = {}
        for result in (r for page in pages for r in page["MetricDataResults"] if r["Values"]):
            newest = max(zip(result["Timestamps"], result["Values"], strict=True))
            found[result["Id"]] = max(newest, found.get(result["Id"], newest))
        yield from ((some[int(id_[1:])], value) for id_, (_, value) in found.items())


def _is_chosen(
    dimensions: Iterable[Mapping[str, str]], metric: Metric, event_streams: Collection[str]
) -> bool:
    value = {d["Name"]: d["Value"] for d in dimensions}.get(metric.dimension)
    return value is not None and (metric.dimension != "Stream" or value in event_streams)


def _query(id_: str, metric: Mapping[str, Any]) -> dict[str, Any]:
    period = int(PERIOD.total_seconds())
    return {"Id": id_, "MetricStat": {"Metric": metric, "Period": period, "Stat": "Maximum"}}


def stages(records: Records) -> Sequence[Stage]:
    """Each stage but those of METRICS, with its times in ascending order."""
    measured: dict[str, list[float]] = {name: [] for name in STAGES if name not in METRICS}
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
