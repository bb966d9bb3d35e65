"""The Managed Flink adapter: the requests it makes."""

import boto3
import pytest
from botocore.stub import Stubber

from lambdas.adapters.flink import ManagedFlink

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
