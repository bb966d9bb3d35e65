"""What the local worker reports of a job's restarts: what Managed Flink would."""

from __future__ import annotations

from typing import Any

import pytest

from sdpctl.local import flink_status
from sdpctl.local.flink_metrics import EVERY, RestartReports
from sdpctl.settings import Settings


class CloudWatch:
    """Keeps the values that were put."""

    def __init__(self) -> None:
        self.values: list[int] = []

    def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]]) -> None:
        (datum,) = MetricData
        assert (Namespace, datum["MetricName"]) == ("AWS/KinesisAnalytics", "numRestarts")
        assert datum["Dimensions"] == [{"Name": "Application", "Value": "app"}]
        self.values.append(datum["Value"])


class Job:
    """Flink's own answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.running, self.restarts = False, 0
        monkeypatch.setattr(flink_status, "running", lambda *_: self.running)
        monkeypatch.setattr(flink_status, "restarts", lambda *_: self.restarts)


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Job:
    return Job(monkeypatch)


@pytest.fixture
def reports() -> RestartReports:
    return RestartReports(Settings.load({}), "app")


def test_a_running_job_is_reported_every_few_seconds(job: Job, reports: RestartReports) -> None:
    watch = CloudWatch()
    reports.report(watch, 0, 1.0)
    assert watch.values == []  # it does not run yet
    job.running = True
    for now in (2.0, 2.0 + EVERY / 2, 2.0 + EVERY):
        reports.report(watch, 0, now)
    assert watch.values == [0, 0]


def test_a_job_that_is_down_is_reported_once_for_each_restart(
    job: Job, reports: RestartReports
) -> None:
    """A count that stands still would look like a job that runs."""
    watch = CloudWatch()
    for step, failures in enumerate((1, 1, 1, 2, 2)):
        reports.report(watch, failures, step * EVERY)
    assert watch.values == [1, 2]


def test_restarts_by_flink_and_ends_of_its_process_are_both_counted(
    job: Job, reports: RestartReports
) -> None:
    watch = CloudWatch()
    job.running, job.restarts = True, 3
    reports.report(watch, 2, 0.0)
    reports.begin()
    job.restarts = 0
    reports.report(watch, 0, 0.1)
    assert watch.values == [5, 0]
