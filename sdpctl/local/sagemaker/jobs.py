"""Training jobs: what callers ask of them. They run in `running.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sdpctl.local.sagemaker.container import program
from sdpctl.local.sagemaker.errors import ApiError, in_use, invalid
from sdpctl.local.sagemaker.resources import Account, moment, only, page
from sdpctl.local.sagemaker.store import Document, Store

KIND = "training-job"
ENDED = ("Completed", "Failed", "Stopped")


class Runner(Protocol):
    """Runs jobs; each is known by its name."""

    def submit(self, name: str) -> None:
        """Run it as soon as there is room."""

    def stop(self, name: str) -> None:
        """End it, wherever it is."""


class TrainingJobs:
    """Create, describe, list and stop."""

    def __init__(self, store: Store, account: Account, runner: Runner) -> None:
        self._store, self._account, self._runner = store, account, runner

    @property
    def calls(self) -> dict[str, Callable[[Document], Document]]:
        """By their names in the API."""
        return {
            "CreateTrainingJob": self.create,
            "DescribeTrainingJob": self.describe,
            "ListTrainingJobs": self.list,
            "StopTrainingJob": self.stop,
        }

    def create(self, request: Document) -> Document:
        """The job is taken; it runs when there is room."""
        name = request["TrainingJobName"]
        program(request.get("HyperParameters", {}))
        arn = self._account.arn("training-job", name)
        job = {
            **request,
            "TrainingJobArn": arn,
            "TrainingJobStatus": "InProgress",
            "SecondaryStatus": "Pending",
            "StoppingCondition": request.get("StoppingCondition", {"MaxRuntimeInSeconds": 86_400}),
            "ModelArtifacts": {"S3ModelArtifacts": artefact(request)},
            "CreationTime": moment(),
            "LastModifiedTime": moment(),
        }
        if not self._store.create(KIND, name, job):
            raise in_use(f"Training job names must be unique: {arn} already exists")
        self._runner.submit(name)
        return {"TrainingJobArn": arn}

    def describe(self, request: Document) -> Document:
        """The job as it stands."""
        job = self._store.get(KIND, str(request.get("TrainingJobName")))
        if job is None:
            raise invalid("Requested resource not found.")
        return job

    def list(self, request: Document) -> Document:
        """Summaries, newest first; `StatusEquals` and `NameContains` choose."""
        status, part = request.get("StatusEquals"), request.get("NameContains", "")
        jobs = [
            job
            for job in self._store.all(KIND)
            if part in job["TrainingJobName"] and status in (None, job["TrainingJobStatus"])
        ]
        return page(jobs, request, "TrainingJobSummaries", _summary)

    def stop(self, request: Document) -> Document:
        """Ask a job to end; one that has ended cannot."""
        job = self.describe(request)
        if job["TrainingJobStatus"] in ENDED:
            status = job["TrainingJobStatus"]
            raise ApiError("ValidationException", f"The job is in status {status} already")
        self._store.change(KIND, job["TrainingJobName"], TrainingJobStatus="Stopping")
        self._runner.stop(job["TrainingJobName"])
        return {}

    def resume(self) -> None:
        """Start again from the beginning what was not done when the process ended."""
        for job in self._store.all(KIND):
            if job["TrainingJobStatus"] == "Stopping":
                self._runner.stop(job["TrainingJobName"])
            if job["TrainingJobStatus"] not in ENDED:
                self._runner.submit(job["TrainingJobName"])


def artefact(job: Document, name: str = "model") -> str:
    """Where a job's archive goes."""
    base = job["OutputDataConfig"]["S3OutputPath"].rstrip("/")
    return f"{base}/{job['TrainingJobName']}/output/{name}.tar.gz"


def _summary(job: Document) -> Document:
    names = ("TrainingJobName", "TrainingJobArn", "TrainingJobStatus", "SecondaryStatus")
    times = ("CreationTime", "LastModifiedTime", "TrainingEndTime")
    return only(job, *names, *times)
