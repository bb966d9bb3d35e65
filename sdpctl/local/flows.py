"""How many records each use case takes in, gives out and refuses, by the metrics of its streams."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from glue.catalog import DEAD_LETTERS
from infra.topology import Kind, Stream, Topology

MINUTE = timedelta(minutes=1)
IN, OUT, REFUSED = "in", "out", "refused"
Counts = Mapping[str, int]


def direction(stream: Stream) -> str | None:
    """What a record of the stream is to its use case: in, out, refused; None for its progress."""
    if stream.stream == DEAD_LETTERS:
        return REFUSED
    return {Kind.EVENTS: IN, Kind.RESULTS: OUT}.get(stream.kind)


def counted_since(now: datetime) -> datetime:
    """The beginning of the minute before: metrics have a value for each minute."""
    return now.replace(second=0, microsecond=0) - MINUTE


def counts(
    cloudwatch: Any, topology: Topology, since: datetime, now: datetime
) -> dict[str, dict[str, int]]:
    """The records of each use case by direction, since a full minute."""
    found = {u.name: dict.fromkeys((IN, OUT, REFUSED), 0) for u in topology.catalog.use_cases}
    streams = [(s, way) for s in topology.streams if (way := direction(s))]
    queries = [_query(n, s.name) for n, (s, _) in enumerate(streams)]
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=queries, StartTime=since, EndTime=now + MINUTE
    )
    sums = {r["Id"]: int(sum(r["Values"])) for r in answer["MetricDataResults"]}
    for number, (stream, way) in enumerate(streams):
        found[stream.use_case][way] += sums.get(f"s{number}", 0)
    return found


def _query(number: int, stream: str) -> dict[str, Any]:
    metric = {
        "Namespace": "AWS/Kinesis",
        "MetricName": "IncomingRecords",
        "Dimensions": [{"Name": "StreamName", "Value": stream}],
    }
    return {"Id": f"s{number}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}


@dataclass
class Rates:
    """Records a second of each component by direction, over the last `seconds`."""

    seconds: float = 30.0
    _samples: deque[tuple[float, dict[tuple[str, str], int]]] = field(default_factory=deque)

    def add(self, at: float, found: Iterable[tuple[str, Counts]]) -> dict[str, dict[str, float]]:
        """The rates by component, with what was counted `at` this second; none at the first."""
        counted = {(name, way): n for name, by_way in found for way, n in by_way.items()}
        self._samples.append((at, counted))
        while len(self._samples) > 2 and self._samples[1][0] <= at - self.seconds:
            self._samples.popleft()
        began, before = self._samples[0]
        rates: dict[str, dict[str, float]] = {}
        for (name, way), n in counted.items() if at > began else ():
            # a process that was started again counts from nothing
            passed = max(0, n - before.get((name, way), n))
            rates.setdefault(name, {})[way] = passed / (at - began)
        return rates
