"""Training jobs: what they are given, what they leave, how they end."""

import io
import json
import tarfile

import pytest
from botocore.exceptions import ClientError

from tests import wheels
from tests.sagemaker.conftest import BUCKET, TRAIN, Place, archive, until


def _run(place: Place, name: str, **given: str) -> dict[str, object]:
    sagemaker = place.client("sagemaker")
    sagemaker.create_training_job(**place.job(name, **given))
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    found: dict[str, object] = sagemaker.describe_training_job(TrainingJobName=name)
    return found


def _file(place: Place, uri: str, name: str) -> dict[str, object]:
    with tarfile.open(fileobj=io.BytesIO(place.get(uri)), mode="r:gz") as tar:
        member = tar.extractfile(name)
        assert member
        found: dict[str, object] = json.load(member)
        return found


def test_a_job_leaves_its_model_where_it_was_told(place: Place) -> None:
    job = _run(place, "one", factor="2")
    assert job["TrainingJobStatus"] == "Completed"
    uri = f"s3://{BUCKET}/jobs/one/output/model.tar.gz"
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": uri}
    assert _file(place, uri, "model.json") == {"factor": 14.0, "files": 3}


def test_a_job_sees_the_variables_of_the_container(place: Place) -> None:
    _run(place, "one", factor="2", **{"sagemaker_region": "us-east-1"})
    seen = _file(place, f"s3://{BUCKET}/jobs/one/output/output.tar.gz", "seen.json")
    assert json.loads(str(seen["SM_CHANNELS"])) == ["train"]
    assert json.loads(str(seen["SM_HPS"])) == {"factor": 2}
    assert seen["SM_HP_FACTOR"] == "2"
    assert str(seen["SM_CHANNEL_TRAIN"]).endswith("input/data/train")


def test_a_manifest_names_the_files_of_a_channel(place: Place) -> None:
    manifest = json.dumps([{"prefix": f"s3://{BUCKET}/numbers/"}, "a/1.txt", "b/2.txt"])
    uri = place.put("manifest.json", manifest)
    job = _run(place, "one", uri=uri, kind="ManifestFile")
    model = _file(place, job["ModelArtifacts"]["S3ModelArtifacts"], "model.json")  # type: ignore[index]
    assert model == {"factor": 5.0, "files": 2}


@pytest.mark.parametrize("how", ["exit", "said"])
def test_a_failed_job_gives_the_toolkits_words_whatever_the_script_left(
    place: Place, how: str
) -> None:
    sagemaker = place.client("sagemaker")
    sagemaker.create_training_job(**place.job("one", fail=how))
    describe = sagemaker.describe_training_job
    until(lambda: describe(TrainingJobName="one")["TrainingJobStatus"] == "Failed")
    reason = describe(TrainingJobName="one")["FailureReason"]
    assert reason.startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage")
    assert "the data is of no use" in reason
    assert "no numbers in the data" not in reason


@pytest.mark.parametrize(
    ("requirements", "is_there"),
    [
        ("--no-index\n--find-links wheels\nlibrary==1\n", True),
        ("--no-index\n--find-links wheels\nlibrary==2\n", False),
        ("--find-links wheels\nother==1\n", False),
        ("onnx\n", False),
    ],
)
def test_a_job_installs_what_its_source_brings_and_nothing_else(
    place: Place, requirements: str, is_there: bool
) -> None:
    wheel = {f"wheels/{wheels.name('library', '1')}": wheels.content("library", "1")}
    source = archive(train__py=TRAIN, requirements__txt=requirements, **wheel)
    place.put("code.tar.gz", source)
    sagemaker = place.client("sagemaker")
    sagemaker.create_training_job(**place.job("one"))
    describe = sagemaker.describe_training_job
    done = ("Completed", "Failed")
    until(lambda: describe(TrainingJobName="one")["TrainingJobStatus"] in done, 300)
    reason = describe(TrainingJobName="one").get("FailureReason", "")
    assert reason.startswith("AlgorithmError: InstallModuleError:") is not is_there, reason


def test_a_channel_without_files_fails_the_job(place: Place) -> None:
    sagemaker = place.client("sagemaker")
    sagemaker.create_training_job(**place.job("one", uri=f"s3://{BUCKET}/nothing/"))
    describe = sagemaker.describe_training_job
    until(lambda: describe(TrainingJobName="one")["TrainingJobStatus"] == "Failed")
    assert "No S3 objects found" in describe(TrainingJobName="one")["FailureReason"]


def test_a_job_can_be_stopped(place: Place) -> None:
    sagemaker = place.client("sagemaker")
    sagemaker.create_training_job(**place.job("one", seconds="60"))
    describe = sagemaker.describe_training_job
    until(lambda: describe(TrainingJobName="one")["SecondaryStatus"] == "Training")
    sagemaker.stop_training_job(TrainingJobName="one")
    until(lambda: describe(TrainingJobName="one")["TrainingJobStatus"] == "Stopped")


def test_a_job_is_stopped_when_it_takes_longer_than_allowed(place: Place) -> None:
    sagemaker = place.client("sagemaker")
    request = place.job("one", seconds="60") | {"StoppingCondition": {"MaxRuntimeInSeconds": 1}}
    sagemaker.create_training_job(**request)
    describe = sagemaker.describe_training_job
    until(lambda: describe(TrainingJobName="one")["TrainingJobStatus"] == "Stopped")
    assert describe(TrainingJobName="one")["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_a_name_is_taken_once(place: Place) -> None:
    sagemaker = place.client("sagemaker")
    sagemaker.create_training_job(**place.job("one"))
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_training_job(**place.job("one"))


def test_an_unknown_job_is_refused(place: Place) -> None:
    sagemaker = place.client("sagemaker")
    with pytest.raises(ClientError, match="Requested resource not found"):
        sagemaker.describe_training_job(TrainingJobName="none")


def test_jobs_are_listed_by_page_and_status(place: Place) -> None:
    _run(place, "one")
    _run(place, "two")
    sagemaker = place.client("sagemaker")
    pages = sagemaker.get_paginator("list_training_jobs").paginate(
        StatusEquals="Completed", PaginationConfig={"PageSize": 1}
    )
    names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
    assert names == ["two", "one"]


def test_what_was_under_way_runs_again_after_a_restart(place: Place) -> None:
    done = _run(place, "done")
    place.client("sagemaker").create_training_job(**place.job("one", seconds="1"))
    place.stop()
    place.start()
    place.wait("training_job_completed_or_stopped", TrainingJobName="one")
    again = place.client("sagemaker").describe_training_job(TrainingJobName="done")
    assert again["TrainingEndTime"] == done["TrainingEndTime"]
