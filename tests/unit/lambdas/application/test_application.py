"""The custom resource: what is started, what is stopped, what is waited for."""

from typing import Any

import pytest

from lambdas.application import handler
from lambdas.application.lifecycle import ApplicationError


class ControlPlane:
    """One application in a given state."""

    def __init__(self, status: str | None) -> None:
        self.state = status
        self.calls: list[tuple[str, str, bool | None]] = []

    def status(self, name: str) -> str | None:
        return self.state

    def start(self, name: str, *, allow_non_restored_state: bool) -> None:
        self.calls.append(("start", name, allow_non_restored_state))

    def stop(self, name: str) -> None:
        self.calls.append(("stop", name, None))


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch) -> ControlPlane:
    found = ControlPlane("READY")
    monkeypatch.setattr(handler, "bootstrap", lambda: found)
    return found


def event(request: str) -> dict[str, Any]:
    properties = {"ApplicationName": "app", "Revision": "1"}
    return {"RequestType": request, "ResourceProperties": properties}


class Context:
    """All that is asked of a Lambda context: nothing."""


def on(request: str) -> dict[str, Any]:
    return handler.on_event(event(request), Context())  # type: ignore[arg-type]


def done(request: str) -> bool:
    answer = handler.is_complete(event(request), Context())  # type: ignore[arg-type]
    return bool(answer["IsComplete"])


def test_creation_starts_it_and_state_without_a_place_is_dropped(plane: ControlPlane) -> None:
    assert on("Create") == {"PhysicalResourceId": "app"}
    assert plane.calls == [("start", "app", True)]


def test_an_update_starts_a_stopped_one_and_drops_no_state(plane: ControlPlane) -> None:
    on("Update")
    assert plane.calls == [("start", "app", False)]


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


def test_it_is_done_once_it_runs(plane: ControlPlane) -> None:
    for status in ("STARTING", "UPDATING", "AUTOSCALING", "MAINTENANCE"):
        plane.state = status
        assert not done("Create")
    plane.state = "RUNNING"
    assert done("Create")
    assert done("Update")


@pytest.mark.parametrize("status", ["READY", "ROLLED_BACK", "DELETING", "FORCE_STOPPING", None])
def test_a_state_it_does_not_run_from_is_an_error_that_names_it(
    plane: ControlPlane, status: str | None
) -> None:
    plane.state = status
    with pytest.raises(ApplicationError, match=f"app: .*{status or 'no such application'}"):
        done("Update")


def test_deletion_is_done_once_it_has_stopped(plane: ControlPlane) -> None:
    for status in ("STOPPING", "FORCE_STOPPING"):
        plane.state = status
        assert not done("Delete")
    for over in ("READY", None):
        plane.state = over
        assert done("Delete")
