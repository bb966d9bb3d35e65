"""A function in a process of its own: what it returns, how it may end, and that it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ml.apart import CrashedError, apart
from ml.errors import JobError


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
    children = _wait_for(
        lambda: [c for c in process.children() if "spawn_main" in str(c.cmdline())]
    )
    _wait_for(lambda: children[0].num_threads() > 1)
    started.kill()
    started.wait()
    assert not psutil.wait_procs(children, timeout=60)[1]


def _wait_for(condition):
    ends = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < ends
        time.sleep(0.05)
    return found
