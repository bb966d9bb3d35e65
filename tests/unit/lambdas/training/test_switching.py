"""A person's promote and a run's release exclude each other; a run that trains blocks nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas.adapters.ledger import DynamoLedger
from lambdas.ports.training import ENDPOINT
from lambdas.training import admission, champion
from lambdas.training.admission import Limits, Run
from lambdas.training.locking import RUN_SECONDS, SWITCH_SECONDS, EndpointLock, RunRelease
from lambdas.training.releasing import Release, ReleaseError, Serving
from lambdas.training.switching import switch
from tests.unit.lambdas.training.fakes import NAMES, ROLE, Models, Objects, Running, registered

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LIMITS = Limits(runs_per_day=9, minutes_per_day=90, minutes_per_run=40, lock_minutes=60)
RUN = Run("schedule-1", NOW)
ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/v3/1"


@pytest.fixture
def models() -> Models:
    made = Models()
    for version in ("v1", "v2", "v3"):
        registered(made, version)
    return made


@pytest.fixture
def release(models: Models) -> Release:
    made = Release(models, Objects(), NAMES, Serving("image", ROLE, 2048, 10))
    made.deploy("v1")
    models.arrive()
    made.promote("v1", "arn:aws:sagemaker:us-east-1:000000000000:model-package/v1/1", NOW)
    return made


def _by_hand(release: Release, ledger: DynamoLedger, now: datetime = NOW, **given: Any) -> Any:
    lock = EndpointLock(ledger, "by-hand-1", lambda: now, SWITCH_SECONDS)
    return switch(release, lock, **given)


def _run(
    release: Release, ledger: DynamoLedger, now: datetime = NOW, compared_with: str | None = "v1"
) -> RunRelease:
    lock = EndpointLock(ledger, RUN.execution, lambda: now, RUN_SECONDS)
    return RunRelease(release, lock, "v3", compared_with)


def _in_service(release: Release) -> str | None:
    pointer = champion.read(release.objects, NAMES)
    return pointer and pointer.version


def _arrived(models: Models, version: str) -> None:
    models.arrive()
    assert models.at == {
        "EndpointStatus": "InService",
        "EndpointConfigName": f"sdp-adtech-{version}",
    }


def test_a_person_switches_while_a_run_trains(release: Release, ledger: DynamoLedger) -> None:
    assert admission.lock(ledger, Running(RUN.execution), RUN, NOW, LIMITS)["held"]
    _by_hand(release, ledger, version="v2")
    assert _in_service(release) == "v2"


def test_from_deploy_to_the_end_of_a_run_nobody_switches_by_hand(
    release: Release, models: Models, ledger: DynamoLedger
) -> None:
    run = _run(release, ledger)
    assert not run.deploy()["moving"]
    models.arrive()
    with pytest.raises(ReleaseError, match="schedule-1 has the lock"):
        _by_hand(release, ledger, version="v2")
    run.promote(ARN)
    with pytest.raises(ReleaseError, match="schedule-1 has the lock"):
        _by_hand(release, ledger, version="v2")  # a promote that is repeated finds its own lock
    admission.finish(ledger, RUN, {"lock": {"held": True}}, NOW)
    _by_hand(release, ledger, version="v2")
    assert _in_service(release) == "v2"


def test_a_run_that_was_stopped_while_it_released_frees_the_endpoint_in_minutes(
    release: Release, models: Models, ledger: DynamoLedger
) -> None:
    admission.lock(ledger, Running(RUN.execution), RUN, NOW, LIMITS)
    _run(release, ledger).deploy()
    models.arrive()
    later = NOW + timedelta(seconds=RUN_SECONDS + 1)
    _by_hand(release, ledger, later, version="v2")
    assert _in_service(release) == "v2"


def test_each_step_of_a_release_renews_the_lock(release: Release, ledger: DynamoLedger) -> None:
    _run(release, ledger).deploy()
    _run(release, ledger, NOW + timedelta(seconds=RUN_SECONDS - 1)).lock.require()
    with pytest.raises(ReleaseError, match="schedule-1 has the lock"):
        _by_hand(release, ledger, NOW + timedelta(seconds=RUN_SECONDS + 60), version="v2")


def test_a_run_waits_to_deploy_while_a_person_switches(
    release: Release, models: Models, ledger: DynamoLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    competing: list[Any] = []

    def approve(*_: str) -> None:
        competing.append(_run(release, ledger).deploy())

    monkeypatch.setattr(models, "approve", approve)
    _by_hand(release, ledger, version="v2")
    assert competing == [{"moving": True, "superseded": False, "config": ""}]
    _arrived(models, "v2")


def test_a_run_that_was_compared_with_a_former_champion_moves_nothing(
    release: Release, models: Models, ledger: DynamoLedger
) -> None:
    _by_hand(release, ledger, version="v2")
    models.arrive()
    deployment = _run(release, ledger).deploy()
    assert deployment["superseded"]
    state = {"lock": {"held": True}, "budget": {"granted": True, "minutes": 1}}
    ended = admission.finish(ledger, RUN, {**state, "deployment": deployment}, NOW)
    assert ended["status"] == "refused"
    assert "v3 was compared with v1, and v2 has been put in service" in ended["cause"]
    _arrived(models, "v2")


def test_a_run_that_lost_its_lock_to_a_person_promotes_nothing_and_restores_their_version(
    release: Release, models: Models, ledger: DynamoLedger
) -> None:
    _run(release, ledger).deploy()
    models.arrive()
    later = NOW + timedelta(seconds=RUN_SECONDS + 1)
    _by_hand(release, ledger, later, version="v2")
    models.arrive()
    run = _run(release, ledger, later)
    with pytest.raises(ReleaseError, match="v2 has been put in service"):
        run.promote(ARN)
    run.roll_back("lost")
    assert _in_service(release) == "v2"
    _arrived(models, "v2")


def test_a_run_does_not_roll_back_in_the_middle_of_a_switch(
    release: Release, models: Models, ledger: DynamoLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update(*_: str) -> None:
        with pytest.raises(ReleaseError, match="by-hand-1 has the lock"):
            _run(release, ledger).roll_back("training failed")

    monkeypatch.setattr(models, "update_endpoint", update)
    _by_hand(release, ledger, version="v2")
    assert _in_service(release) == "v2"


def test_two_people_do_not_switch_at_once(
    release: Release, models: Models, ledger: DynamoLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update(*_: str) -> None:
        with pytest.raises(ReleaseError, match="by-hand-1 has the lock"):
            lock = EndpointLock(ledger, "by-hand-2", lambda: NOW, SWITCH_SECONDS)
            switch(release, lock, version="v1")

    monkeypatch.setattr(models, "update_endpoint", update)
    _by_hand(release, ledger, version="v2")
    assert _in_service(release) == "v2"


def test_a_switch_that_is_refused_gives_the_lock_back(
    release: Release, ledger: DynamoLedger
) -> None:
    with pytest.raises(ReleaseError, match="no previous version to go back to"):
        _by_hand(release, ledger)
    assert ledger.holder(int(NOW.timestamp()), ENDPOINT) is None


def test_the_lock_of_a_switch_that_was_killed_expires(
    release: Release, ledger: DynamoLedger
) -> None:
    second = int(NOW.timestamp())
    assert ledger.acquire("by-hand-0", second, second + SWITCH_SECONDS, ENDPOINT)
    later = NOW + timedelta(seconds=SWITCH_SECONDS + 1)
    _by_hand(release, ledger, later, version="v2")
    assert _in_service(release) == "v2"
