"""A function in a process of its own: what it returns, how it may end, and that it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ml.apart import CrashedError, apart
from ml.errors import JobError
from tests.local.driver import wait_until


def test_its_value_comes_back_however_large():
    assert apart(bytes, 3_000_000) == bytes(3_000_000)


def _end(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_is_an_error_that_names_the_signal(number):
    with pytest.raises(CrashedError, match=rf"crashed \({number.name}\)"):
        apart(_end, number)


def test_another_end_is_no_crash(capfd):
    with pytest.raises(JobError, match="_end ended with SIGKILL") as caught:
        apart(_end, signal.SIGKILL)
    assert not isinstance(caught.value, CrashedError)
    with pytest.raises(JobError, match="_fail ended with exit code 1"):
        apart(_fail)
    assert "ValueError: no such thing" in capfd.readouterr().err


def _fail():
    raise ValueError("no such thing")


PROGRAM = """
import time
from ml.apart import apart
if __name__ == "__main__":
    apart(time.sleep, 600)
"""


def test_it_ends_with_the_process_that_started_it(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    started = subprocess.Popen(
        [sys.executable, tmp_path / "program.py"], env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    )
    process = psutil.Process(started.pid)

    def children():
        return [c for c in process.children() if "spawn_main" in str(c.cmdline())]

    wait_until(lambda: [c for c in children() if c.num_threads() > 1], 60, lambda: "none runs")
    found = children()
    started.kill()
    started.wait()
    assert not psutil.wait_procs(found, timeout=60)[1]
