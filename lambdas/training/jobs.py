"""The two jobs of a run, training and evaluation: their requests, and their status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.lakestore.objects import Objects, content
from lambdas.model_names import Names
from lambdas.ports.training import Document, Jobs
from lambdas.training.archives import members

TRAIN, EVALUATE = "train", "evaluate"
RESULT = "result.json"  # a file in the archive of a training that ended without a model
_STATUS = {"Completed": "Completed", "Failed": "Failed", "Stopped": "Failed"}


@dataclass(frozen=True)
class Container:
    """The container of jobs: image, source archive (s3://…), role, instance type, maximum runtime,
    and the maximum number of rows in a sample.
    """

    image: str
    code: str
    role: str
    instance: str
    max_minutes: int
    sample_rows: int

    def request(
        self,
        name: str,
        script: str,
        parameters: Mapping[str, str],
        channels: Mapping[str, tuple[str, str]],
        output: str,
    ) -> dict[str, Any]:
        """The CreateTrainingJob request. `channels`: name → (ManifestFile or S3Prefix, URI)."""
        return {
            "TrainingJobName": name,
            "RoleArn": self.role,
            "AlgorithmSpecification": {"TrainingImage": self.image, "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": script,
                "sagemaker_submit_directory": self.code,
                "training-rows": str(self.sample_rows),
                **parameters,
            },
            "InputDataConfig": [
                {
                    "ChannelName": channel,
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": kind,
                            "S3Uri": uri,
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
                for channel, (kind, uri) in channels.items()
            ],
            "OutputDataConfig": {"S3OutputPath": output},
            "ResourceConfig": {
                "InstanceType": self.instance,
                "InstanceCount": 1,
                "VolumeSizeInGB": 30,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60 * self.max_minutes},
        }


def start_training(
    jobs: Jobs, container: Container, names: Names, version: str, state: Document
) -> dict[str, Any]:
    """Start the training job of this version."""
    data = state["data"]
    hyperparameters = {
        k: str(v) for k, v in state.get("input", {}).get("hyperparameters", {}).items()
    }
    parameters = {**hyperparameters, "from": data["from"], "to": data["to"], "version": version}
    return _start(
        jobs,
        container,
        names,
        version,
        TRAIN,
        parameters,
        {"train": _manifest(names, data, "train")},
    )


def start_evaluation(
    jobs: Jobs,
    container: Container,
    names: Names,
    version: str,
    state: Document,
    champion: str | None,
) -> dict[str, Any]:
    """Start the job that compares this version with the champion's (if there is one)."""
    data = state["data"]
    thresholds = {k: str(v) for k, v in state.get("input", {}).get("thresholds", {}).items()}
    channels = {
        "challenger": ("S3Prefix", names.uri(names.key(version, "model.tar.gz"))),
        "test": _manifest(names, data, "test"),
    }
    if champion:
        channels["champion"] = ("S3Prefix", names.uri(names.key(champion, "model.tar.gz")))
    parameters = {**thresholds, "from": data["from"], "to": data["to"]}
    return _start(jobs, container, names, version, EVALUATE, parameters, channels)


def look(jobs: Jobs, name: str) -> dict[str, Any]:
    """A job's status: InProgress, Completed or Failed, with the reason."""
    job = jobs.job(name)
    reason = str(job.get("FailureReason", ""))
    status = _STATUS.get(job["TrainingJobStatus"], "InProgress")
    if job.get("SecondaryStatus") == "MaxRuntimeExceeded":
        reason = "the job exceeded its maximum runtime"
    return {
        "status": status,
        "reason": reason,
        "seconds": int(job.get("BillableTimeInSeconds", 0)),
        "name": name,
    }


def look_at_training(
    jobs: Jobs, objects: Objects, names: Names, version: str, name: str
) -> dict[str, Any]:
    """As `look`, with status NoModel if no model can be trained on these rows: an expected end."""
    job = look(jobs, name)
    if job["status"] != "Completed":
        return job
    archive = content(objects, names.job_output(version, TRAIN)) or b""
    result = json.loads(members(archive, (RESULT,)).get(RESULT, b"{}"))
    if result.get("status", "trained") == "trained":
        return job
    return {**job, "status": "NoModel", "reason": f"{result['status']}: {result['reason']}"[:1000]}


def _start(
    jobs: Jobs,
    container: Container,
    names: Names,
    version: str,
    step: str,
    parameters: Mapping[str, str],
    channels: Mapping[str, tuple[str, str]],
) -> dict[str, Any]:
    name = names.resource(version, step)
    output = names.uri(f"{names.root}/jobs")
    jobs.create_job(container.request(name, f"{step}.py", parameters, channels, output))
    return {"name": name, "version": version}


def _manifest(names: Names, data: Document, channel: str) -> tuple[str, str]:
    return "ManifestFile", names.uri(data[channel])
