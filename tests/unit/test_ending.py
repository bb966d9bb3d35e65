"""Tests that are ended with SIGTERM tear down what they have started, alone and with workers."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def platform(worker_id="master"):
    yield
    Path("torn-down").touch()


def test_that_runs(platform):
    print("runs", flush=True)
    Path("runs").touch()
    time.sleep(600)
"""


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "workers"])
def test_what_was_started_is_torn_down(workers: list[str], tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.ending", "--rootdir", tmp_path]
    process = subprocess.Popen(
        [*command, "-c", "/dev/null", *workers, "test_it.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    while not (tmp_path / "runs").exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == pytest.ExitCode.INTERRUPTED
    assert (tmp_path / "torn-down").exists()
