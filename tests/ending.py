"""A plugin of pytest: SIGTERM ends the tests as Ctrl-C does, so what they started ends with them.

Without it Python ends at once, and platforms and emulators, which have sessions of their own, stay.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

import psutil
import pytest

TEARDOWN_SECONDS = 120


def pytest_configure(config: pytest.Config) -> None:
    """In the process that was started and in each worker of pytest-xdist."""
    process = os.getpid()
    workers = config.getoption("numprocesses", None)
    if workers:
        from xdist.workermanage import NodeManager

        NodeManager.EXIT_TIMEOUT = TEARDOWN_SECONDS

    def end(*_: Any) -> None:
        if os.getpid() != process:  # a fork of ours: it has nothing to tear down
            os._exit(128 + signal.SIGTERM)
        signal.signal(signal.SIGTERM, _nothing)  # make and timeout send it twice
        if workers:
            _forward()  # the first worker that ends so ends the run
            return
        signal.signal(signal.SIGINT, _nothing)  # pytest-xdist sends it 5 s later
        raise KeyboardInterrupt("SIGTERM")

    signal.signal(signal.SIGTERM, end)


def _nothing(*_: Any) -> None:
    """The teardown goes on."""


def _forward() -> None:
    for worker in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            worker.terminate()
