"""A person's promote and a run's release exclude each other, whichever comes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas.adapters.ledger import DynamoLedger
from lambdas.training import admission, champion
from lambdas.training.admission import Limits, Run
from lambdas.training.releasing import Release, ReleaseError, Serving
from lambdas.training.switching import LOCK_SECONDS, switch
from tests.unit.lambdas.training.fakes import NAMES, ROLE, Models, Objects, registered

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LIMITS = Limits(runs_per_day=9, minutes_per_day=90, minutes_per_run=40, lock_minutes=60)
RUN = Run("schedule-1", NOW)


@pytest.fixture
def models() -> Models:
    made = Models()
    for version in ("v1", "v2"):
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
    return switch(release, ledger, "by-hand-1", lambda: now, **given)


def _in_service(release: Release) -> str | None:
    pointer = champion.read(release.objects, NAMES)
    return pointer and pointer.version


def test_while_a_run_has_the_lock_nobody_switches_by_hand(
    release: Release, ledger: DynamoLedger
) -> None:
    assert admission.lock(ledger, RUN, NOW, LIMITS)["held"]
    with pytest.raises(ReleaseError, match="schedule-1 has the lock"):
        _by_hand(release, ledger, version="v2")
    assert _in_service(release) == "v1"
    admission.finish(ledger, RUN, {"lock": {"held": True}}, NOW)
    _by_hand(release, ledger, version="v2")
    assert _in_service(release) == "v2"


def test_a_run_that_starts_between_deploy_and_promote_by_hand_is_turned_away(
    release: Release, models: Models, ledger: DynamoLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    competing: list[Any] = []

    def approve(*_: str) -> None:
        competing.append(admission.lock(ledger, RUN, NOW, LIMITS))

    monkeypatch.setattr(models, "approve", approve)
    _by_hand(release, ledger, version="v2")
    assert competing == [{"held": False, "holder": "by-hand-1"}]
    assert admission.lock(ledger, RUN, NOW, LIMITS)["held"]


def test_two_people_do_not_switch_at_once(
    release: Release, models: Models, ledger: DynamoLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update(*_: str) -> None:
        with pytest.raises(ReleaseError, match="by-hand-1 has the lock"):
            switch(release, ledger, "by-hand-2", lambda: NOW, version="v1")

    monkeypatch.setattr(models, "update_endpoint", update)
    _by_hand(release, ledger, version="v2")
    assert _in_service(release) == "v2"


def test_a_switch_that_is_refused_gives_the_lock_back(
    release: Release, ledger: DynamoLedger
) -> None:
    with pytest.raises(ReleaseError, match="no version to go back to"):
        _by_hand(release, ledger)
    assert ledger.holder(int(NOW.timestamp())) is None


def test_the_lock_of_a_switch_that_was_killed_expires(
    release: Release, ledger: DynamoLedger
) -> None:
    second = int(NOW.timestamp())
    assert ledger.acquire("by-hand-0", second, second + LOCK_SECONDS)
    later = NOW + timedelta(seconds=LOCK_SECONDS + 1)
    _by_hand(release, ledger, later, version="v2")
    assert _in_service(release) == "v2"
