"""Putting a model in service, finding that it fails, and going back; each step may be repeated."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lambdas.training import champion
from lambdas.training.releasing import Release, ReleaseError, Serving, smoke_test
from tests.unit.lambdas.models import MODEL
from tests.unit.lambdas.training.fakes import NAMES, ROLE, Models, Objects, registered

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.fixture
def release() -> Release:
    return Release(Models(), Objects(), NAMES, Serving("image", ROLE, 2048, 10))


def _models(release: Release) -> Models:
    assert isinstance(release.models, Models)
    return release.models


def _registered(release: Release, version: str, approval: str = "PendingManualApproval") -> str:
    return registered(_models(release), version, approval)


def _promoted(release: Release, version: str) -> None:
    arn = _registered(release, version)
    release.deploy(version)
    _models(release).arrive()
    release.promote(version, arn, NOW)


def _now(release: Release) -> str:
    found = champion.read(release.objects, NAMES)
    assert found
    return found.version


def test_the_endpoint_is_serverless(release: Release) -> None:
    release.deploy("v1")
    (config,) = _models(release).configs.values()
    (variant,) = config["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 10}
    assert not {"InstanceType", "InitialInstanceCount"} & variant.keys()


def test_a_first_version_goes_into_service(release: Release) -> None:
    arn = _registered(release, "v1")
    deployed = release.deploy("v1")
    assert deployed == {"moving": False, "config": "sdp-adtech-v1"}
    assert release.look("sdp-adtech-v1")["status"] == "Moving"
    _models(release).arrive()
    assert release.look("sdp-adtech-v1")["status"] == "InService"
    assert release.promote("v1", arn, NOW) == {"version": "v1", "previous": None}
    assert _now(release) == "v1"
    assert _models(release).approval("v1") == "Approved"


def test_every_step_may_be_repeated(release: Release) -> None:
    _promoted(release, "v1")
    arn = _registered(release, "v2")
    release.deploy("v2")
    assert release.deploy("v2")["moving"]  # the endpoint is on its way: ask again
    _models(release).arrive()
    assert not release.deploy("v2")["moving"]
    release.promote("v2", arn, NOW)
    assert release.promote("v2", arn, NOW)["version"] == "v2"
    assert release.former() == "v1"


def test_an_endpoint_that_does_not_take_the_model_has_failed(release: Release) -> None:
    _promoted(release, "v1")
    release.deploy("v2")
    _models(release).arrive(well=False)
    assert release.look("sdp-adtech-v2") == {"status": "Failed", "reason": "no ping"}


def test_a_failed_release_is_undone(release: Release) -> None:
    _promoted(release, "v1")
    _registered(release, "v2")
    release.deploy("v2")
    _models(release).arrive()
    assert release.roll_back("v2", "the smoke test failed") == {"champion": "v1"}
    _models(release).arrive()
    assert release.look("sdp-adtech-v1")["status"] == "InService"
    assert _models(release).approval("v2") == "Rejected"
    assert _now(release) == "v1"


def test_a_failed_first_release_leaves_no_endpoint(release: Release) -> None:
    release.deploy("v1")
    _models(release).arrive()
    release.roll_back("v1", "the smoke test failed")
    assert _models(release).at is None


def test_nothing_is_turned_round_while_the_endpoint_is_on_its_way(release: Release) -> None:
    _promoted(release, "v1")
    release.deploy("v2")
    with pytest.raises(ReleaseError, match="is being updated"):
        release.roll_back("v2", "why")


def test_a_failure_after_the_promotion_takes_nothing_back(release: Release) -> None:
    _promoted(release, "v1")
    assert release.roll_back("v1", "finish failed") == {"champion": "v1"}
    assert _models(release).approval("v1") == "Approved"


def test_going_back_by_hand_moves_endpoint_and_pointer(release: Release) -> None:
    _promoted(release, "v1")
    _promoted(release, "v2")
    said = release.switch(release.former(), NOW)
    assert said == {"version": "v1", "config": "sdp-adtech-v1"}
    assert _now(release) == "v1"
    assert release.former() == "v2"


def test_a_refused_version_takes_force(release: Release) -> None:
    _promoted(release, "v1")
    _registered(release, "v2", "Rejected")
    with pytest.raises(ReleaseError, match="refused"):
        release.switch("v2", NOW)
    release.objects.write(NAMES.key("v2", "fallback.json"), b"{}")
    release.switch("v2", NOW, force=True)
    assert _now(release) == "v2"


def test_a_refused_version_without_a_model_cannot_be_forced(release: Release) -> None:
    """An archive that could not be read, or a file that could not be translated."""
    _promoted(release, "v1")
    _registered(release, "v2", "Rejected")
    with pytest.raises(ReleaseError, match="v2 has no model that can be used"):
        release.switch("v2", NOW, force=True)
    assert _now(release) == "v1" and "sdp-adtech-v2" not in _models(release).configs


def test_an_unknown_version_and_no_former_one_are_said(release: Release) -> None:
    with pytest.raises(ReleaseError, match="not in the registry"):
        release.switch("none", NOW)
    with pytest.raises(ReleaseError, match="no previous version to go back to"):
        release.former()


class _Endpoint:
    def __init__(self, scores: list[float], version: str = "v1") -> None:
        self.scores, self.version = scores, version

    def invoke(self, name: str, body: Any) -> dict[str, Any]:
        predictions = [{"score": score} for score in self.scores]
        return {"predictions": predictions, "model_version": self.version}


def test_the_smoke_test_takes_scores_that_rise() -> None:
    found = smoke_test(_Endpoint([0.1, 0.1, 0.5, 0.9]), NAMES, MODEL, "v1")
    assert found["scores"] == [0.1, 0.1, 0.5, 0.9]


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        (_Endpoint([0.1, 0.2, 0.3, 0.4], "v0"), "serves v0"),
        (_Endpoint([0.1, 0.2, 0.3]), "4 instances"),
        (_Endpoint([0.1, 0.2, 0.3, 1.4]), "4 instances"),
        (_Endpoint([0.1, 0.9, 0.3, 0.4]), "the scores must not fall"),
    ],
)
def test_the_smoke_test_finds(endpoint: _Endpoint, reason: str) -> None:
    with pytest.raises(ReleaseError, match=reason):
        smoke_test(endpoint, NAMES, MODEL, "v1")
