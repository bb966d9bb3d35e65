"""Metrics of streams and deliveries, from CloudWatch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.ports.measured import MetricsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})
PERIOD = timedelta(minutes=1)
QUERIES = 500  # of one request
# https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
RECORDS = ("AWS/Kinesis", "IncomingRecords", "StreamName", "Sum")
# https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
FRESHNESS = ("AWS/Firehose", "DeliveryToS3.DataFreshness", "DeliveryStreamName", "Maximum")
# Firehose reports each minute, a few minutes later.
REPORTED_WITHIN = timedelta(minutes=15)
Metric = tuple[str, str, str, str]


class CloudWatchMetrics:
    """The `Measured` of the page."""

    def __init__(self, client: CloudWatchClient | None = None) -> None:
        self._client: Any = client or boto3.client("cloudwatch", config=CONFIG)

    def records(
        self, streams: Iterable[str], start: datetime, end: datetime
    ) -> dict[str, dict[datetime, int]]:
        """As the port documents."""
        found = self._values(RECORDS, [*streams], start, end)
        return {name: {at: int(n) for at, n in values} for name, values in found.items()}

    def freshness(self, deliveries: Iterable[str], now: datetime) -> dict[str, float]:
        """As the port documents."""
        found = self._values(FRESHNESS, [*deliveries], now - REPORTED_WITHIN, now)
        return {name: max(values)[1] for name, values in found.items() if values}

    def _values(
        self, metric: Metric, names: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, list[tuple[datetime, float]]]:
        found: dict[str, list[tuple[datetime, float]]] = {name: [] for name in names}
        try:
            for first in range(0, len(names), QUERIES):
                some = names[first : first + QUERIES]
                queries = [_query(metric, name, f"m{n}") for n, name in enumerate(some)]
                pages = self._client.get_paginator("get_metric_data").paginate(
                    MetricDataQueries=queries, StartTime=start, EndTime=end
                )
                for result in (r for page in pages for r in page["MetricDataResults"]):
                    times = (at.astimezone(UTC) for at in result["Timestamps"])
                    name = some[int(result["Id"][1:])]
                    found[name] += zip(times, result["Values"], strict=True)
        except (ClientError, BotoCoreError) as error:
            raise MetricsUnavailable(str(error)) from error
        return found


def _query(metric: Metric, name: str, id_: str) -> dict[str, Any]:
    namespace, metric_name, dimension, statistic = metric
    return {
        "Id": id_,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric_name,
                "Dimensions": [{"Name": dimension, "Value": name}],
            },
            "Period": int(PERIOD.total_seconds()),
            "Stat": statistic,
        },
    }
