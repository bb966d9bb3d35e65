"""The age of what is not delivered yet, as Firehose reports it to CloudWatch each minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.adapters.metrics import FRESHNESS

EVERY = 30.0  # seconds; Firehose reports each minute, and a first report should not take as long
MOST = 1_000  # metrics in one request


@dataclass
class FreshnessReports:
    """`cloudwatch` is a client of the emulator's; times are in seconds."""

    cloudwatch: Any
    _due: float = 0.0

    def are_due(self, now: float) -> bool:
        """Whether it is time for the next report."""
        return now >= self._due

    def report(self, ages: Mapping[str, float | None], now: float) -> None:
        """Report the age of each delivery's oldest undelivered record, where it is known."""
        known = [_metric(name, age) for name, age in ages.items() if age is not None]
        if known:
            self._due = now + EVERY
        for first in range(0, len(known), MOST):
            self.cloudwatch.put_metric_data(
                Namespace=FRESHNESS[0], MetricData=known[first : first + MOST]
            )


def _metric(name: str, age: float) -> dict[str, Any]:
    _, metric, dimension, _ = FRESHNESS
    return {
        "MetricName": metric,
        "Dimensions": [{"Name": dimension, "Value": name}],
        "Value": age,
        "Unit": "Seconds",
    }
