"""Metrics of streams and deliveries, read from CloudWatch by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import Stubber

from lambdas.adapters.metrics import FRESHNESS, CloudWatchMetrics
from lambdas.ports.measured import MetricsUnavailable
from sdpctl.local.delivery.freshness import EVERY, FreshnessReports

NOW = datetime.now(UTC)  # CloudWatch takes no value that is older than two weeks
MINUTE = NOW.replace(second=0, microsecond=0) - timedelta(minutes=3)


def test_the_records_of_each_stream_are_added_up_by_minute(aws: None) -> None:
    client = boto3.client("cloudwatch")
    for stream, seconds, number in (("a", 0, 2), ("a", 30, 3), ("a", 60, 4), ("b", 0, 7)):
        client.put_metric_data(
            Namespace="AWS/Kinesis",
            MetricData=[
                {
                    "MetricName": "IncomingRecords",
                    "Dimensions": [{"Name": "StreamName", "Value": stream}],
                    "Timestamp": MINUTE + timedelta(seconds=seconds),
                    "Value": number,
                }
            ],
        )
    found = CloudWatchMetrics(client).records(["a", "b", "c"], MINUTE, NOW)
    one = timedelta(minutes=1)
    assert found == {"a": {MINUTE: 5, MINUTE + one: 4}, "b": {MINUTE: 7}, "c": {}}


def test_what_the_delivery_reports_is_what_is_read(aws: None) -> None:
    client = boto3.client("cloudwatch")
    reports = FreshnessReports(client)
    reports.report({"a-lake": None}, 1_000.0)
    assert reports.are_due(1_000.0)  # nothing was known
    reports.report({"a-lake": 12.5, "b-lake": None}, 1_000.0)
    assert not reports.are_due(1_000.0 + EVERY / 2)
    assert reports.are_due(1_000.0 + EVERY)
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert CloudWatchMetrics(client).freshness(["a-lake", "b-lake"], later) == {"a-lake": 12.5}
    assert FRESHNESS[0] == "AWS/Firehose"


def test_metrics_that_cannot_be_read_are_unavailable(aws: None) -> None:
    client = boto3.client("cloudwatch")
    with Stubber(client) as stub, pytest.raises(MetricsUnavailable):
        stub.add_client_error("get_metric_data", "Throttling")
        CloudWatchMetrics(client).records(["a"], MINUTE, NOW)
