"""A deployment that would lose state is refused before the application is changed."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from glue.state import GROUP, Operator, Operators, to_properties
from lambdas.adapters.flink import ManagedFlink
from lambdas.adapters.stacks import CloudFormationStacks
from lambdas.application import handler
from lambdas.ports.applications import ApplicationError
from tests.unit.lambdas.application.test_application import Context, ControlPlane

COUNTS = Operator("a" * 12, "", "", "the GROUP BY for report campaigns")
STEPS = Operator("c" * 12, "", "parcel: ordered, packed", "the correlation parcels-correlate")
OTHER = Operator("c" * 12, "", "parcel: ordered, sent", "the correlation parcels-correlate")
STACK = "arn:aws:cloudformation:us-east-1:000000000000:stack/sdp-processing/1"


class Stacks:
    """One stack."""

    rolling_back = False

    def is_rolling_back(self, stack: str) -> bool:
        assert stack == STACK
        return self.rolling_back


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> Stacks:
    found = Stacks()
    monkeypatch.setattr(handler, "bootstrap_stacks", lambda: found)
    return found


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch, stacks: Stacks) -> ControlPlane:
    found = ControlPlane("RUNNING")
    found.running = {"adtech": [COUNTS, STEPS]}
    monkeypatch.setattr(handler, "bootstrap", lambda: found)
    return found


def check(operators: Operators, state_loss: str = "refuse", request: str = "Update") -> Any:
    properties = {
        "ApplicationName": "app",
        "Operators": to_properties(operators),
        "StateLoss": state_loss,
    }
    event = {"RequestType": request, "StackId": STACK, "ResourceProperties": properties}
    return handler.check_state(event, Context())  # type: ignore[arg-type]


def test_what_can_be_restored_passes_and_nothing_is_called(plane: ControlPlane) -> None:
    added = {"adtech": [STEPS, COUNTS], "doors": [STEPS]}
    assert check(added) == {"PhysicalResourceId": "app-state"}
    assert plane.calls == []


@pytest.mark.parametrize("request_", ["Create", "Update"])
def test_an_operator_that_is_gone_is_refused_with_what_to_do(
    plane: ControlPlane, request_: str
) -> None:
    with pytest.raises(ApplicationError) as refused:
        check({"adtech": [STEPS]}, request=request_)
    message = str(refused.value)
    assert "adtech: the GROUP BY for report campaigns is no longer there" in message
    assert "still runs" in message and "stateLoss=allow" in message
    assert plane.calls == []


def test_it_passes_where_the_deployment_allows_it(plane: ControlPlane) -> None:
    check({"adtech": [STEPS]}, state_loss="allow")
    check({}, state_loss="allow")


def test_a_state_that_its_own_operator_cannot_read_is_never_allowed(plane: ControlPlane) -> None:
    """Flink would not drop it: the job would end again and again."""
    with pytest.raises(ApplicationError, match="Give a changed correlation, or patterns"):
        check({"adtech": [COUNTS, OTHER]}, state_loss="allow")


def test_a_pattern_that_is_gone_is_refused_and_can_be_allowed(plane: ControlPlane) -> None:
    """The operator skips its state."""
    before = Operator("e" * 12, "", "card: {low count-in-window, odd anomaly}", "the patterns")
    plane.running = {"bank": [before]}
    after = {"bank": [Operator("e" * 12, "", "card: {odd anomaly}", "the patterns")]}
    with pytest.raises(ApplicationError, match="none can be removed"):
        check(after)
    check(after, state_loss="allow")


def test_one_that_does_not_exist_or_has_no_list_passes(plane: ControlPlane) -> None:
    plane.running = {}
    check({"adtech": [COUNTS]}, request="Create")


def test_the_way_back_of_a_failed_update_passes(plane: ControlPlane, stacks: Stacks) -> None:
    """CloudFormation sends the earlier properties while the new version runs."""
    stacks.rolling_back = True
    check({})
    with pytest.raises(ApplicationError):
        check({}, request="Create")


def test_deletion_passes(plane: ControlPlane) -> None:
    check({}, request="Delete")


def test_a_reason_stays_short(plane: ControlPlane) -> None:
    """CloudFormation takes 4 KB of it."""
    many = [Operator(f"{n:012}", "", "", f"the JOIN {n}") for n in range(500)]
    plane.running = {"adtech": many}
    with pytest.raises(ApplicationError, match=r"the JOIN 4 .*; and 495 more") as refused:
        check({})
    assert len(str(refused.value)) < 1_000


def _client(service: Any) -> Any:
    return boto3.client(
        service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def _described(groups: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "ApplicationDetail": {
            "ApplicationARN": "arn:aws:kinesisanalytics:us-east-1:000000000000:application/app",
            "ApplicationName": "app",
            "RuntimeEnvironment": "FLINK-1_20",
            "ApplicationStatus": "RUNNING",
            "ApplicationVersionId": 1,
            "ApplicationConfigurationDescription": {
                "EnvironmentPropertyDescriptions": {"PropertyGroupDescriptions": groups}
            },
        }
    }


@pytest.mark.parametrize("has_list", [True, False])
def test_operators_are_read_of_the_running_application(has_list: bool) -> None:
    client = _client("kinesisanalyticsv2")
    groups = [{"PropertyGroupId": "sdp", "PropertyMap": {"region": "us-east-1"}}]
    if has_list:
        state = to_properties({"adtech": [COUNTS]})
        groups.append({"PropertyGroupId": GROUP, "PropertyMap": state})
    with Stubber(client) as stub:
        stub.add_response("describe_application", _described(groups), {"ApplicationName": "app"})
        found = ManagedFlink(client, metrics=client).operators("app")
    assert found == ({"adtech": (COUNTS,)} if has_list else {})


def test_an_application_that_does_not_exist_has_no_operators() -> None:
    client = _client("kinesisanalyticsv2")
    with Stubber(client) as stub:
        stub.add_client_error("describe_application", "ResourceNotFoundException")
        assert ManagedFlink(client, metrics=client).operators("app") == {}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("UPDATE_IN_PROGRESS", False),
        ("UPDATE_ROLLBACK_IN_PROGRESS", True),
        ("CREATE_IN_PROGRESS", False),
    ],
)
def test_a_stack_whose_update_is_undone_is_recognized(status: str, expected: bool) -> None:
    client = _client("cloudformation")
    stack = {"StackName": "s", "CreationTime": "2026-11-21T10:00:00Z", "StackStatus": status}
    with Stubber(client) as stub:
        stub.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": STACK})
        assert CloudFormationStacks(client).is_rolling_back(STACK) is expected
