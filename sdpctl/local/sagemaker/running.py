"""Runs training jobs, one after another: folders, script, archives, and how it ended."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.errors import CommandError
from sdpctl.local.logs import forget_old_jobs
from sdpctl.local.processes import last_lines
from sdpctl.local.sagemaker import container, installing
from sdpctl.local.sagemaker.background import Background
from sdpctl.local.sagemaker.container import Folders
from sdpctl.local.sagemaker.jobs import KIND, artefact
from sdpctl.local.sagemaker.objects import S3Files
from sdpctl.local.sagemaker.resources import moment
from sdpctl.local.sagemaker.store import Document, Store

SLOTS = 1  # two under load on two cores are far slower than one after the other
log = logging.getLogger("sdp.sagemaker")


class Failed(CommandError):
    """The script ended with an error; the reason as SageMaker words it."""


class TooLong(CommandError):
    """The job ran longer than its stopping condition allows."""


class Runs:
    """The `Runner` of the jobs, with one thread and one process for each that runs."""

    def __init__(
        self, store: Store, objects: S3Files, background: Background, folder: Path, logs: Path
    ) -> None:
        self._store, self._objects, self._background = store, objects, background
        self._folder, self._logs = folder, logs
        self._room = threading.Semaphore(SLOTS)
        self._stopped: set[str] = set()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def submit(self, name: str) -> None:
        """Run it as soon as there is room."""
        self._background.thread(self._run, name)

    def stop(self, name: str) -> None:
        """End it, wherever it is."""
        self._stopped.add(name)
        if process := self._processes.get(name):
            with suppress(ProcessLookupError):
                process.terminate()

    def _run(self, name: str) -> None:
        with self._room:
            job = self._say(name, SecondaryStatus="Starting", TrainingStartTime=moment())
            folders = Folders(self._folder / name)
            shutil.rmtree(folders.root, ignore_errors=True)
            try:
                self._work(job, folders)
            except TooLong:
                self._end(name, "Stopped", "MaxRuntimeExceeded")
            except (CommandError, BotoCoreError, ClientError, OSError) as error:
                status = "Stopped" if name in self._stopped else "Failed"
                self._end(name, status, status, FailureReason=str(error)[:1024])
            else:
                self._end(name, "Completed", "Completed")
            shutil.rmtree(folders.root, ignore_errors=True)

    def _work(self, job: Document, folders: Folders) -> None:
        name = job["TrainingJobName"]
        self._say(name, SecondaryStatus="Downloading")
        folders.make()
        script, source = container.program(job["HyperParameters"])
        self._objects.unpack(source, folders.code)
        for channel in job.get("InputDataConfig", []):
            self._objects.channel(channel, folders.channel(channel["ChannelName"]))
        self._say(name, SecondaryStatus="Training")
        installing.check(folders.code)
        self._script(job, folders, script)
        self._say(name, SecondaryStatus="Uploading")
        self._objects.pack(folders.model, artefact(job))
        self._objects.pack(folders.output, artefact(job, "output"))

    def _script(self, job: Document, folders: Folders, script: str) -> None:
        name = job["TrainingJobName"]
        if name in self._stopped:
            raise Failed("stopped before it started")
        path = self._logs / "jobs" / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        forget_old_jobs(path.parent)
        options = container.arguments(job["HyperParameters"])
        with path.open("wb") as out:
            process = self._background.process(
                [sys.executable, script, *options],
                cwd=folders.code,
                env=plain_environment(folders.code) | container.training_environment(job, folders),
                out=out,
            )
            self._processes[name] = process
            if name in self._stopped:  # since it was looked up above
                process.terminate()
            code = _wait(process, job["StoppingCondition"].get("MaxRuntimeInSeconds"))
            del self._processes[name]
        if code:
            raise Failed(_reason(folders, path, code, script))

    def _say(self, name: str, **facts: object) -> Document:
        return self._store.change(KIND, name, LastModifiedTime=moment(), **facts)

    def _end(self, name: str, status: str, secondary: str, **facts: object) -> None:
        ended = {"TrainingJobStatus": status, "SecondaryStatus": secondary}
        job = self._say(name, **ended, TrainingEndTime=moment(), **facts)
        log.info("training job %s: %s %s", name, status, facts.get("FailureReason", ""))
        seconds = max(1, round(job["TrainingEndTime"] - job["TrainingStartTime"]))
        self._say(name, TrainingTimeInSeconds=seconds, BillableTimeInSeconds=seconds)


def plain_environment(code: Path) -> dict[str, str]:
    """What scripts see of this machine: no credentials, no modules but their own."""
    kept = {k: os.environ[k] for k in ("PATH", "HOME", "LANG", "TMPDIR") if k in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(code),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",  # more threads than free cores are far slower than one
    }


def _wait(process: subprocess.Popen[bytes], seconds: int | None) -> int:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise TooLong(f"ran longer than {seconds} s") from None


def _reason(folders: Folders, log: Path, code: int, script: str) -> str:
    """The failure file, which the training toolkit writes over what the script left there."""
    folders.failure.write_text(
        f'ExecuteUserScriptError:\nExitCode {code}\nErrorMessage "{last_lines(log, 6)}"\n'
        f'Command "{sys.executable} {script}"'
    )
    return f"AlgorithmError: {folders.failure.read_text()}, exit code: {code}"
