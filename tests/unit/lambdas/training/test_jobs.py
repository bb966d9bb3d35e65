"""The requests to SageMaker, and how its responses are read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdas.model_names import Names, version_of
from lambdas.training.jobs import (
    Container,
    look,
    look_at_training,
    start_evaluation,
    start_training,
)
from tests.sagemaker.conftest import archive
from tests.unit.lambdas.training.fakes import NAMES, ROLE, Jobs, Objects

CONTAINER = Container("image", "s3://assets/code.gz", ROLE, "ml.m5.xlarge", 30, 50_000)
STATE: dict[str, Any] = {
    "input": {"hyperparameters": {"seed": 3}, "thresholds": {"margin": "0.1"}},
    "data": {
        "from": "2026-11-20T00:00:00.000Z",
        "to": "2026-11-21T00:00:00.000Z",
        "train": "models/adtech/v1/train.manifest.json",
        "test": "models/adtech/v1/test.manifest.json",
    },
}


def _channels(request: Any) -> dict[str, tuple[str, str]]:
    return {
        c["ChannelName"]: (s["S3DataType"], s["S3Uri"])
        for c in request["InputDataConfig"]
        for s in [c["DataSource"]["S3DataSource"]]
    }


def test_training_reads_its_manifest_and_is_limited() -> None:
    jobs = Jobs()
    assert start_training(jobs, CONTAINER, NAMES, "v1", STATE)["name"] == "sdp-adtech-v1-train"
    request = jobs.requests["sdp-adtech-v1-train"]
    assert _channels(request) == {
        "train": ("ManifestFile", "s3://lake/models/adtech/v1/train.manifest.json")
    }
    assert request["HyperParameters"] == {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://assets/code.gz",
        "training-rows": "50000",
        "seed": "3",
        "from": STATE["data"]["from"],
        "to": STATE["data"]["to"],
        "version": "v1",
    }
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 1800}
    assert request["OutputDataConfig"] == {"S3OutputPath": "s3://lake/models/adtech/jobs"}


def test_the_evaluation_has_the_champion_only_if_there_is_one() -> None:
    jobs = Jobs()
    start_evaluation(jobs, CONTAINER, NAMES, "v1", STATE, None)
    start_evaluation(jobs, CONTAINER, NAMES, "v2", STATE, "v1")
    first, second = (_channels(request) for request in jobs.requests.values())
    assert first.keys() == {"challenger", "test"}
    assert second["champion"] == ("S3Prefix", "s3://lake/models/adtech/v1/model.tar.gz")


@pytest.mark.parametrize(
    ("job", "status"),
    [
        ({"TrainingJobStatus": "InProgress"}, "InProgress"),
        ({"TrainingJobStatus": "Stopping"}, "InProgress"),
        ({"TrainingJobStatus": "Completed", "BillableTimeInSeconds": 7}, "Completed"),
        ({"TrainingJobStatus": "Failed", "FailureReason": "memory"}, "Failed"),
        ({"TrainingJobStatus": "Stopped"}, "Failed"),
    ],
)
def test_a_job_is_read_as(job: dict[str, Any], status: str) -> None:
    found = look(Jobs(described={"one": job}), "one")
    assert found["status"] == status
    assert found["seconds"] == job.get("BillableTimeInSeconds", 0)


RESULT = json.dumps({"status": "insufficient", "reason": "500 rows; 1000 are needed"})


@pytest.mark.parametrize(
    ("left", "status", "reason"),
    [
        (archive(result__json=RESULT), "NoModel", "insufficient: 500 rows; 1000 are needed"),
        (archive(model__ubj=b"trees"), "Completed", ""),
        (b"corrupt", "Completed", ""),
    ],
)
def test_a_training_that_completed_without_a_model_says_so(
    left: bytes, status: str, reason: str
) -> None:
    jobs = Jobs(described={"one": {"TrainingJobStatus": "Completed"}})
    objects = Objects({NAMES.job_output("v1", "train"): left})
    job = look_at_training(jobs, objects, NAMES, "v1", "one")
    assert (job["status"], job["reason"]) == (status, reason)


def test_names_are_taken_by_sagemaker_however_long_the_execution_is_called() -> None:
    names = Names("a" * 20, "adtech", "lake")
    version = version_of("Some_Execution.Started by:hand" * 3)
    assert len(version) <= 40
    found = names.resource(version, "evaluate")
    assert len(found) <= 63
    assert found.startswith(names.endpoint)
    assert names.resource(version, "train") != found


def test_different_executions_are_different_versions() -> None:
    assert version_of("drift-20261121t100000") == "drift-20261121t100000"
    assert version_of("A_b") != version_of("a-b")
