"""The control plane of Managed Flink, and the metrics of its jobs in CloudWatch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3

from glue.state import GROUP, Operators, from_properties
from lambdas.ports.applications import Operation, Wait

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricStatTypeDef
    from mypy_boto3_kinesisanalyticsv2 import KinesisAnalyticsV2Client

NAMESPACE, RESTARTS = "AWS/KinesisAnalytics", "numRestarts"


class ManagedFlink:
    """The `Applications` of lambdas.application over its clients."""

    def __init__(
        self,
        client: KinesisAnalyticsV2Client | None = None,
        metrics: CloudWatchClient | None = None,
    ) -> None:
        self._client = client or boto3.client("kinesisanalyticsv2")
        self._metrics = metrics or boto3.client("cloudwatch")

    def status(self, name: str) -> str | None:
        """The application's status; None if there is no application of this name."""
        try:
            answer = self._client.describe_application(ApplicationName=name)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return answer["ApplicationDetail"]["ApplicationStatus"]

    def start(self, name: str, *, allow_non_restored_state: bool) -> None:
        """Start it from its latest snapshot, or with empty state if there is none."""
        self._client.start_application(
            ApplicationName=name,
            RunConfiguration={
                "FlinkRunConfiguration": {"AllowNonRestoredState": allow_non_restored_state},
                "ApplicationRestoreConfiguration": {
                    "ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"
                },
            },
        )

    def stop(self, name: str) -> None:
        """Stop it without a snapshot."""
        self._client.stop_application(ApplicationName=name, Force=True)

    def operators(self, name: str) -> Operators:
        """Its operators with state by use case, from a property group; empty without one."""
        try:
            answer = self._client.describe_application(ApplicationName=name)
        except self._client.exceptions.ResourceNotFoundException:
            return {}
        configuration = answer["ApplicationDetail"]["ApplicationConfigurationDescription"]
        described = configuration.get("EnvironmentPropertyDescriptions", {})
        groups = described.get("PropertyGroupDescriptions", [])
        maps = {group["PropertyGroupId"]: group["PropertyMap"] for group in groups}
        return from_properties(maps.get(GROUP, {}))

    def operations(self, name: str) -> list[Operation]:
        """All operations that are still listed, in no particular order."""
        pages = self._client.get_paginator("list_application_operations")
        return [
            Operation(o["OperationId"], o["Operation"], o["OperationStatus"], o["StartTime"])
            for page in pages.paginate(ApplicationName=name)
            for o in page.get("ApplicationOperationInfoList", [])
        ]

    def error(self, name: str, operation: str) -> str:
        """Why an operation failed; empty if unknown."""
        answer = self._client.describe_application_operation(
            ApplicationName=name, OperationId=operation
        )
        details = answer.get("ApplicationOperationInfoDetails", {})
        failure = details.get("OperationFailureDetails", {})
        return failure.get("ErrorInfo", {}).get("ErrorString", "")

    def restarts(self, name: str, wait: Wait) -> list[float]:
        """The metric numRestarts at the end of each period, oldest first."""
        stat: MetricStatTypeDef = {
            "Metric": {
                "Namespace": NAMESPACE,
                "MetricName": RESTARTS,
                "Dimensions": [{"Name": "Application", "Value": name}],
            },
            "Period": int(wait.period.total_seconds()),
            "Stat": "Maximum",
        }
        answer = self._metrics.get_metric_data(
            MetricDataQueries=[{"Id": "restarts", "MetricStat": stat}],
            StartTime=wait.since,
            EndTime=wait.now,
            ScanBy="TimestampAscending",
        )
        return [value for result in answer["MetricDataResults"] for value in result["Values"]]
