"""A full disk while processes are started again: nothing that was known is forgotten."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from sdpctl.local import files, flink_status
from sdpctl.local.applications import Application
from sdpctl.local.flink_worker import FlinkWorker
from sdpctl.local.processes import Service
from sdpctl.settings import Settings


@contextmanager
def full() -> Iterator[None]:
    """Files can be opened, which empties them, and nothing can be written to them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"SDP_HOME": str(tmp_path)})


def test_a_file_keeps_its_text_and_no_draft_is_left(tmp_path: Path) -> None:
    path = tmp_path / "known"
    files.write(path, "before")
    with full(), pytest.raises(OSError):
        files.write(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_state_of_an_application_is_not_taken_for_that_of_a_deleted_one(
    settings: Settings,
) -> None:
    """Before, the note of when it was created was emptied, and its checkpoints were removed."""
    worker, application = FlinkWorker(settings, "a"), _application("monday")
    checkpoint = worker.home / "checkpoints" / "job" / "chk-1"
    checkpoint.mkdir(parents=True)
    worker._forget_deleted(application)
    with full(), suppress(OSError):
        worker._forget_deleted(application)
    worker._forget_deleted(application)
    assert checkpoint.exists()


def _application(created: str) -> Application:
    return Application("a", 1, True, "bucket", "key", 1, (), created)


def test_what_could_not_be_said_about_a_job_is_said_later(settings: Settings) -> None:
    worker = FlinkWorker(settings, "a")
    worker._say(state="running")
    with full(), pytest.raises(OSError):
        worker._say(state="restarting")
    assert [s["state"] for s in flink_status.states(settings)] == ["running"]
    worker._say(state="restarting")
    assert [s["state"] for s in flink_status.states(settings)] == ["restarting"]


def test_a_process_that_cannot_be_remembered_does_not_run(settings: Settings) -> None:
    service = Service("sleeper", settings)
    service.log.parent.mkdir(parents=True)
    running = {p.pid for p in psutil.Process().children()}
    with full(), pytest.raises(OSError):
        service.start(["sleep", "60"], os.environ)
    assert {p.pid for p in psutil.Process().children()} <= running
    service.start(["sleep", "60"], os.environ)
    assert service.process()
    service.kill()
