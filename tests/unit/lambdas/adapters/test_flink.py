"""The Managed Flink adapter: the requests it makes."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import Stubber

from lambdas.adapters.flink import ManagedFlink
from lambdas.ports.applications import Operation, Wait

START = {
    "ApplicationName": "app",
    "RunConfiguration": {
        "FlinkRunConfiguration": {"AllowNonRestoredState": True},
        "ApplicationRestoreConfiguration": {
            "ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"
        },
    },
}


@pytest.fixture
def plane(aws: None) -> tuple[ManagedFlink, Stubber]:
    client = boto3.client("kinesisanalyticsv2")
    stubber = Stubber(client)
    stubber.activate()
    return ManagedFlink(client), stubber


def test_it_starts_from_the_latest_snapshot(plane: tuple[ManagedFlink, Stubber]) -> None:
    flink, stubber = plane
    stubber.add_response("start_application", {}, START)
    flink.start("app", allow_non_restored_state=True)
    stubber.assert_no_pending_responses()


def test_it_stops_without_a_snapshot(plane: tuple[ManagedFlink, Stubber]) -> None:
    flink, stubber = plane
    stubber.add_response("stop_application", {}, {"ApplicationName": "app", "Force": True})
    flink.stop("app")
    stubber.assert_no_pending_responses()


def test_an_application_that_is_not_there_has_no_status(
    plane: tuple[ManagedFlink, Stubber],
) -> None:
    flink, stubber = plane
    stubber.add_client_error("describe_application", "ResourceNotFoundException")
    assert flink.status("app") is None


def test_the_status_is_the_applications(plane: tuple[ManagedFlink, Stubber]) -> None:
    flink, stubber = plane
    detail = {
        "ApplicationARN": "arn",
        "ApplicationName": "app",
        "RuntimeEnvironment": "FLINK-1_20",
        "ApplicationStatus": "RUNNING",
        "ApplicationVersionId": 1,
    }
    stubber.add_response("describe_application", {"ApplicationDetail": detail})
    assert flink.status("app") == "RUNNING"


def test_operations_of_all_pages_and_why_one_failed(plane: tuple[ManagedFlink, Stubber]) -> None:
    flink, stubber = plane
    at = datetime(2026, 11, 21, 10, tzinfo=UTC)
    times = {"StartTime": at, "EndTime": at}
    for page in ({"NextToken": "more"}, {}):
        entry = {"Operation": "UpdateApplication", "OperationStatus": "FAILED", "OperationId": "o"}
        listed = {"ApplicationOperationInfoList": [{**entry, **times}]}
        stubber.add_response("list_application_operations", {**listed, **page})
    assert flink.operations("app") == [Operation("o", "UpdateApplication", "FAILED", at)] * 2
    details = {"Operation": "UpdateApplication", "OperationStatus": "FAILED", **times}
    for failure, error in (({"ErrorInfo": {"ErrorString": "why"}}, "why"), ({}, "")):
        answer = {"ApplicationOperationInfoDetails": details | {"OperationFailureDetails": failure}}
        requested = {"ApplicationName": "app", "OperationId": "o"}
        stubber.add_response("describe_application_operation", answer, requested)
        assert flink.error("app", "o") == error


def test_restarts_are_the_metric_of_the_application_in_the_order_of_time(aws: None) -> None:
    metrics = boto3.client("cloudwatch")
    since = datetime(2026, 11, 21, 10, tzinfo=UTC)
    now = since + timedelta(minutes=3)
    with Stubber(metrics) as stubber:
        stat = {
            "Metric": {
                "Namespace": "AWS/KinesisAnalytics",
                "MetricName": "numRestarts",
                "Dimensions": [{"Name": "Application", "Value": "app"}],
            },
            "Period": 60,
            "Stat": "Maximum",
        }
        stubber.add_response(
            "get_metric_data",
            {"MetricDataResults": [{"Id": "restarts", "Values": [0.0, 2.0]}]},
            {
                "MetricDataQueries": [{"Id": "restarts", "MetricStat": stat}],
                "StartTime": since,
                "EndTime": now,
                "ScanBy": "TimestampAscending",
            },
        )
        found = ManagedFlink(metrics=metrics).restarts(
            "app", Wait(since, now, timedelta(minutes=1))
        )
    assert found == [0.0, 2.0]
