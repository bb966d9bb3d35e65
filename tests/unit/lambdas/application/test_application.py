"""The custom resource: what is started, what is stopped, what is waited for, what is an error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from glue.state import Operators
from lambdas.adapters import clock
from lambdas.application import handler
from lambdas.ports.applications import ApplicationError, Operation, Wait

SINCE = datetime(2026, 11, 21, 10, tzinfo=UTC)
STEADY = (0.0, 0.0, 0.0)


class ControlPlane:
    """One application in a given state, with its history and its metric."""

    def __init__(self, status: str | None) -> None:
        self.state = status
        self.calls: list[tuple[str, str, bool | None]] = []
        self.history: list[Operation] = []
        self.errors: dict[str, str] = {}
        self.reported: Sequence[float] = STEADY
        self.waits: list[Wait] = []
        self.running: Operators = {}

    def status(self, name: str) -> str | None:
        return self.state

    def start(self, name: str, *, allow_non_restored_state: bool) -> None:
        self.calls.append(("start", name, allow_non_restored_state))

    def stop(self, name: str) -> None:
        self.calls.append(("stop", name, None))

    def operators(self, name: str) -> Operators:
        return self.running

    def operations(self, name: str) -> Sequence[Operation]:
        return self.history

    def error(self, name: str, operation: str) -> str:
        return self.errors.get(operation, "")

    def restarts(self, name: str, wait: Wait) -> Sequence[float]:
        self.waits.append(wait)
        return self.reported

    def add(self, kind: str, status: str, minute: int, error: str = "") -> None:
        """An operation of that minute; added in any order."""
        id_ = f"o-{len(self.history)}"
        self.errors[id_] = error
        self.history.append(Operation(id_, kind, status, SINCE + timedelta(minutes=minute)))


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch) -> ControlPlane:
    found = ControlPlane("READY")
    monkeypatch.setattr(handler, "bootstrap", lambda: found)
    monkeypatch.setattr(clock, "now", lambda: SINCE)
    return found


def event(request: str) -> dict[str, Any]:
    properties = {"ApplicationName": "app", "Revision": "1", "MetricSeconds": "60"}
    return {"RequestType": request, "ResourceProperties": properties}


class Context:
    """Nothing is read of a Lambda context."""


def on(request: str) -> dict[str, Any]:
    return handler.on_event(event(request), Context())  # type: ignore[arg-type]


def done(request: str) -> bool:
    """What the framework passes on: the event with what `on_event` returned."""
    merged = {**event(request), "PhysicalResourceId": "app", "Since": SINCE.isoformat()}
    answer = handler.is_complete(merged, Context())  # type: ignore[arg-type]
    return bool(answer["IsComplete"])


@pytest.mark.parametrize("request_", ["Create", "Update"])
def test_a_stopped_one_is_started_and_drops_no_state(plane: ControlPlane, request_: str) -> None:
    assert on(request_) == {"PhysicalResourceId": "app", "Since": SINCE.isoformat()}
    assert plane.calls == [("start", "app", False)]


def test_state_is_dropped_where_the_deployment_allows_it(plane: ControlPlane) -> None:
    request = event("Update")
    request["ResourceProperties"]["StateLoss"] = "allow"
    handler.on_event(request, Context())  # type: ignore[arg-type]
    assert plane.calls == [("start", "app", True)]


@pytest.mark.parametrize("status", ["RUNNING", "UPDATING", "STARTING", "AUTOSCALING"])
@pytest.mark.parametrize("request_", ["Create", "Update"])
def test_one_that_runs_or_comes_to_is_left_alone(
    plane: ControlPlane, status: str, request_: str
) -> None:
    plane.state = status
    on(request_)
    assert plane.calls == []


@pytest.mark.parametrize("status", ["RUNNING", "UPDATING", "STARTING", "AUTOSCALING"])
def test_deletion_stops_it(plane: ControlPlane, status: str) -> None:
    plane.state = status
    on("Delete")
    assert plane.calls == [("stop", "app", None)]


@pytest.mark.parametrize("status", [None, "READY", "STOPPING", "FORCE_STOPPING", "DELETING"])
def test_deletion_leaves_one_that_does_not_run(plane: ControlPlane, status: str | None) -> None:
    plane.state = status
    on("Delete")
    assert plane.calls == []


@pytest.mark.parametrize("request_", ["Create", "Update"])
def test_it_is_done_once_its_job_has_run_for_three_periods(
    plane: ControlPlane, request_: str
) -> None:
    for status in ("STARTING", "UPDATING", "AUTOSCALING", "MAINTENANCE"):
        plane.state = status
        assert not done(request_)
    plane.state = "RUNNING"
    for reported in ((), (0.0,), (0.0, 0.0), (0.0, 1.0, 1.0), (7.0, 0.0, 0.0)):
        plane.reported = reported
        assert not done(request_), reported
    plane.reported = (0.0, 1.0, 1.0, 1.0)
    assert done(request_)
    assert plane.waits[-1] == Wait(SINCE, SINCE, timedelta(minutes=1))


def test_a_job_that_restarts_again_and_again_is_an_error_although_it_is_running(
    plane: ControlPlane,
) -> None:
    plane.state = "RUNNING"
    for reported in ((0.0, 3.0), (1.0, 2.0, 4.0), (9.0, 0.0, 2.0, 3.0)):
        plane.reported = reported
        with pytest.raises(ApplicationError, match=r"app: RUNNING, .* restarted 3 times"):
            done("Update")


def test_the_restarts_of_the_version_before_are_not_counted(plane: ControlPlane) -> None:
    """They may still be in the first period, above the new version's."""
    plane.state = "RUNNING"
    plane.reported = (9.0,)
    assert not done("Update")
    plane.reported = (9.0, 0.0, 0.0, 0.0)
    assert done("Update")


def test_a_job_that_shows_nothing_is_an_error_before_the_framework_gives_up(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane.state, plane.reported = "RUNNING", ()
    monkeypatch.setattr(clock, "now", lambda: SINCE + timedelta(minutes=25))
    assert not done("Create")
    monkeypatch.setattr(clock, "now", lambda: SINCE + timedelta(minutes=26))
    with pytest.raises(ApplicationError, match=r"app: RUNNING, but its metric numRestarts .*\[\]"):
        done("Create")


@pytest.mark.parametrize("status", ["RUNNING", "ROLLED_BACK"])
def test_a_rollback_is_an_error_with_the_reason_of_what_failed(
    plane: ControlPlane, status: str
) -> None:
    """The application runs: in the version before."""
    plane.state = status
    plane.add("RollbackApplication", "SUCCESSFUL", 7)
    plane.add("StartApplication", "SUCCESSFUL", 1)
    plane.add("UpdateApplication", "FAILED", 5, "maximum parallelism exceeded")
    with pytest.raises(ApplicationError, match=r"app: was rolled back .*maximum parallelism"):
        done("Update")


def test_a_failed_start_is_an_error_with_its_reason(plane: ControlPlane) -> None:
    plane.add("StartApplication", "FAILED", 1, "no access to the code")
    with pytest.raises(ApplicationError, match="StartApplication failed: no access to the code"):
        done("Create")


def test_a_rollback_before_the_newest_deployment_is_history(plane: ControlPlane) -> None:
    """CloudFormation's own way back is an update after it; scaling afterwards is no deployment."""
    plane.state = "RUNNING"
    plane.add("UpdateApplication", "FAILED", 1, "bad code")
    plane.add("RollbackApplication", "SUCCESSFUL", 2)
    plane.add("UpdateApplication", "SUCCESSFUL", 9)
    plane.add("Autoscaling", "FAILED", 10, "no capacity")
    assert done("Update")


@pytest.mark.parametrize("status", ["READY", "ROLLED_BACK", "DELETING", "FORCE_STOPPING", None])
def test_a_state_it_does_not_run_from_is_an_error_that_names_it(
    plane: ControlPlane, status: str | None
) -> None:
    plane.state = status
    with pytest.raises(
        ApplicationError, match=f"app: .*{status or 'no application has this name'}"
    ):
        done("Update")


def test_deletion_is_done_once_it_has_stopped(plane: ControlPlane) -> None:
    for status in ("STOPPING", "FORCE_STOPPING"):
        plane.state = status
        assert not done("Delete")
    for over in ("READY", None):
        plane.state = over
        assert done("Delete")
