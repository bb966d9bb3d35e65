"""The metrics that Managed Flink reports of a job, reported to the emulator's CloudWatch.

The restarts: the custom resource reads them to learn whether a deployed job really runs. And the
percentiles of times that an application publishes itself, which `./sdp latency` reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.adapters.flink import NAMESPACE, RESTARTS
from sdpctl.local import flink_status
from sdpctl.settings import Settings

EVERY = 5.0  # seconds; flinkMetricSeconds of the local deployment
PERCENTILES_EVERY = 20.0  # seconds; Managed Flink's is a minute
PERCENTILES = ("P50", "P90", "P99")
PUBLISHED = "kinesisanalytics"  # what Managed Flink publishes is in metric groups below this one


@dataclass
class RestartReports:
    """The restarts of one application since its version was started, reported every few seconds.

    Only while its job runs, and once for each restart: a job that is down has no metrics, and a
    count that stands still while it is down would look like a job that runs.
    """

    settings: Settings
    name: str
    _due: float = 0.0
    _last: int = 0

    def begin(self) -> None:
        """A version was started."""
        self._due, self._last = 0.0, 0

    def report(self, cloudwatch: Any, failures: int, now: float) -> None:
        """Report if it is time: `failures` are the ends of the process since `begin`."""
        if now < self._due:
            return
        restarts = failures + flink_status.restarts(self.settings, self.name)
        if restarts > self._last or flink_status.running(self.settings, self.name):
            self._due, self._last = now + EVERY, restarts
            _put(cloudwatch, self.name, restarts)


@dataclass
class PercentileReports:
    """What one application publishes, the greatest of its subtasks, now and then."""

    settings: Settings
    name: str
    _due: float = 0.0

    def report(self, cloudwatch: Any, now: float) -> None:
        """Report if it is time; nothing is reported while there is no job."""
        if now < self._due:
            return
        self._due = now + PERCENTILES_EVERY
        data = [_datum(self.name, *found) for found in self._found()]
        if data:
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)

    def _found(self) -> Iterator[tuple[Mapping[str, str], str, float]]:
        for metric, value in flink_status.greatest(self.settings, self.name, _is_published):
            keys, name = _parts(metric)
            yield keys, name, value


def _is_published(metric: str) -> bool:
    return f".{PUBLISHED}." in metric and metric.endswith(PERCENTILES)


def _parts(metric: str) -> tuple[dict[str, str], str]:
    """`operator.kinesisanalytics.Key.value.name`: the keys with their values, and the name."""
    *pairs, name = metric.rpartition(f".{PUBLISHED}.")[2].split(".")
    return dict(zip(pairs[::2], pairs[1::2], strict=False)), name


def _datum(application: str, keys: Mapping[str, str], name: str, value: float) -> dict[str, Any]:
    dimensions = {"Application": application, **keys}
    return {
        "MetricName": name,
        "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
        "Value": value,
    }


def _put(cloudwatch: Any, name: str, restarts: int) -> None:
    datum = {**_datum(name, {}, RESTARTS, restarts), "StorageResolution": 1}
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
