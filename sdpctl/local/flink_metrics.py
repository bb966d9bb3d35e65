"""The metrics that Managed Flink reports of a job, reported to the emulator's CloudWatch.

Only the restarts: the custom resource reads them to learn whether a deployed job really runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lambdas.adapters.flink import NAMESPACE, RESTARTS
from sdpctl.local import flink_status
from sdpctl.settings import Settings

EVERY = 5.0  # seconds; flinkMetricSeconds of the local deployment


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


def _put(cloudwatch: Any, name: str, restarts: int) -> None:
    cloudwatch.put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {
                "MetricName": RESTARTS,
                "Dimensions": [{"Name": "Application", "Value": name}],
                "Value": restarts,
                "StorageResolution": 1,
            }
        ],
    )
