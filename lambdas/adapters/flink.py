"""The control plane of Managed Flink."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_kinesisanalyticsv2 import KinesisAnalyticsV2Client


class ManagedFlink:
    """The `Applications` of lambdas.application over its client."""

    def __init__(self, client: KinesisAnalyticsV2Client | None = None) -> None:
        self._client = client or boto3.client("kinesisanalyticsv2")

    def status(self, name: str) -> str | None:
        """The application's status; None if there is no such application."""
        try:
            answer = self._client.describe_application(ApplicationName=name)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return answer["ApplicationDetail"]["ApplicationStatus"]

    def start(self, name: str, *, allow_non_restored_state: bool) -> None:
        """Start it from its latest snapshot, or from nothing where there is none."""
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
