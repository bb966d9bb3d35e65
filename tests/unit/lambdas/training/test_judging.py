"""The verdict is kept beside the model and in the registry, also of a model nobody can read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdas.model_names import Names
from lambdas.training.judging import JudgingError, judge, package
from tests.sagemaker.conftest import archive
from tests.unit.lambdas.training.fakes import NAMES, Models, Objects, held

REASON = "log loss 3.20% better than the champion's on 6,016 rows (of 12 segments)"
FIGURES = {"log_loss": 0.41, "auc": 0.8, "calibration_error": 0.01}
MODEL = archive(model__ubj=b"trees", fallback__json="{}", metadata__json='{"seed":1}')


def _report(decision: str, **more: Any) -> bytes:
    found: dict[str, Any] = {
        "decision": decision,
        "reasons": [REASON, "AUC"],
        "rows": 5,
        "challenger": FIGURES,
    }
    return archive(evaluation__json=json.dumps(found | more), evaluation__html="<html>")


def _judged(objects: Objects, models: Models) -> dict[str, Any]:
    return judge(models, objects, NAMES, "v1", "image")


def _objects(report: bytes, model: bytes = MODEL) -> Objects:
    return Objects(
        {NAMES.job_output("v1", "evaluate"): report, NAMES.key("v1", "model.tar.gz"): model}
    )


def test_a_better_model_waits_for_its_promotion() -> None:
    objects, models = _objects(_report("promote")), Models()
    found = _judged(objects, models)
    assert (found["promote"], found["reasons"]) == (True, [REASON, "AUC"])
    assert models.approval("v1") == "PendingManualApproval"
    metadata = models.registry[0]["CustomerMetadataProperties"]
    assert metadata["log_loss"] == "0.410000"
    assert metadata["rows"] == "5"


def test_the_registry_has_the_champions_figures_on_the_same_rows() -> None:
    champion = {**FIGURES, "log_loss": 0.42, "model_version": "v0"}
    models = Models()
    _judged(_objects(_report("refuse", champion=champion)), models)
    metadata = models.registry[0]["CustomerMetadataProperties"]
    assert metadata["champion"] == "v0"
    assert metadata["champion_log_loss"] == "0.420000"
    assert metadata["champion_auc"] == "0.800000"


def test_a_reason_is_written_with_the_characters_that_the_registry_takes() -> None:
    models = Models()
    _judged(_objects(_report("promote")), models)
    assert models.registry[0]["CustomerMetadataProperties"]["reason"] == (
        "log loss 3.20 percent better than the champions on 6016 rows of 12 segments / AUC"
    )


@pytest.mark.parametrize("version", ["v1", "schedule-20261121t101112", "a" * 40])
def test_any_version_has_a_token_that_sagemaker_takes(version: str) -> None:
    one, other = (
        package(names, version, "image", {"decision": "refuse", "reasons": []})
        for names in (NAMES, Names("another", "adtech", "lake"))
    )
    held("CreateModelPackage", **one)
    assert one["ClientToken"] != other["ClientToken"]


def test_report_and_fallback_lie_beside_the_model() -> None:
    objects = _objects(_report("promote"))
    _judged(objects, Models())
    for name in ("evaluation.json", "evaluation.html", "fallback.json", "metadata.json"):
        assert NAMES.key("v1", name) in objects.files
    assert NAMES.key("v1", "model.ubj") not in objects.files


@pytest.mark.parametrize(
    "model", [MODEL, b"corrupt", MODEL[:40], b""], ids=["whole", "corrupt", "cut", "empty"]
)
def test_a_refused_model_is_registered_as_such_however_broken_it_is(model: bytes) -> None:
    objects = _objects(_report("refuse", challenger=None), model)
    models = Models()
    assert not _judged(objects, models)["promote"]
    assert models.approval("v1") == "Rejected"


def test_a_repeated_verdict_registers_nothing_new() -> None:
    objects, models = _objects(_report("promote")), Models()
    assert _judged(objects, models) == _judged(objects, models)
    assert len(models.registry) == 1


@pytest.mark.parametrize("report", [b"corrupt", archive(other__json="{}")])
def test_an_evaluation_without_a_report_is_an_error(report: bytes) -> None:
    with pytest.raises(JudgingError):
        _judged(_objects(report), Models())


def test_the_answer_of_a_verdict_is_bounded_however_much_the_evaluation_says() -> None:
    objects, models = _objects(_report("refuse", reasons=["long " * 2_000] * 1_000)), Models()
    reasons = _judged(objects, models)["reasons"]
    assert len(json.dumps(reasons)) < 16_384
    assert reasons[-1] == "and 980 more: see the evaluation"
