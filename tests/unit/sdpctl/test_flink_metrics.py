"""What the local worker reports of a job: what Managed Flink would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sdpctl.local import flink_status
from sdpctl.local.flink_metrics import (
    EVERY,
    PERCENTILES_EVERY,
    PercentileReports,
    RestartReports,
)
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


METRICS = {
    "Source__events.kinesisanalytics.Stream.sdp-events.readAfterMillisP50": 7.0,
    "Source__events.kinesisanalytics.Stream.sdp-events.Shard.shardId-0.millisBehindLatest": 1.0,
    "decisions.kinesisanalytics.Decisions.shop.scoreMicrosP99": 12.0,
    "decisions.numRecordsInP99": 3.0,
}


def test_percentiles_that_an_application_publishes_have_the_dimensions_of_managed_flink(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def greatest(_: Settings, name: str, wanted: Callable[[str], bool]) -> Iterator[Any]:
        assert name == "app"
        return ((metric, value) for metric, value in METRICS.items() if wanted(metric))

    class Watch:
        puts: list[Any] = []  # noqa: RUF012

        def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]]) -> None:
            assert Namespace == "AWS/KinesisAnalytics"
            self.puts.append(
                [
                    ({d["Name"]: d["Value"] for d in m["Dimensions"]}, m["MetricName"], m["Value"])
                    for m in MetricData
                ]
            )

    monkeypatch.setattr(flink_status, "greatest", greatest)
    reports, watch = PercentileReports(Settings.load({}), "app"), Watch()
    for now in (1.0, 2.0, 1.0 + PERCENTILES_EVERY):
        reports.report(watch, now)
    expected = [
        ({"Application": "app", "Stream": "sdp-events"}, "readAfterMillisP50", 7.0),
        ({"Application": "app", "Decisions": "shop"}, "scoreMicrosP99", 12.0),
    ]
    assert watch.puts == [expected, expected]
    monkeypatch.setattr(flink_status, "greatest", lambda *_: iter(()))
    reports.report(watch, 100.0)
    assert len(watch.puts) == 2  # no job, nothing to report


def test_the_greatest_value_of_all_subtasks_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "/jobs/overview": {"jobs": [{"jid": "j"}]},
        "/jobs/j": {"vertices": [{"id": "v"}, {"id": "w"}]},
        "/jobs/j/vertices/v/subtasks/metrics": [{"id": "a: b.x"}, {"id": "a: b.y"}],
        "/jobs/j/vertices/v/subtasks/metrics?get=a%3A%20b.x&agg=max": [{"id": "a: b.x", "max": 4}],
        "/jobs/j/vertices/w/subtasks/metrics": [{"id": "c.y"}],
    }
    monkeypatch.setattr(flink_status, "_json", lambda _settings, _name, path: answers[path])
    found = flink_status.greatest(Settings.load({}), "app", lambda name: name.endswith("x"))
    assert list(found) == [("a: b.x", 4.0)]
