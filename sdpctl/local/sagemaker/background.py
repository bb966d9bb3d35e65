"""Threads and processes that work for the stand-in beside its calls, and end with it."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from sdpctl.local.sagemaker.store import Closed

CLOSE_SECONDS = 10.0  # a thread that waits for S3 longer than this ends with the process


class Background:
    """Starts them; once it is closed, none runs and none can be started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._threads: list[threading.Thread] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    def thread(self, work: Callable[..., object], *arguments: object) -> None:
        """Do the work in a thread of its own, until it is done or meets Closed."""

        def run() -> None:
            with suppress(Closed):
                work(*arguments)

        thread = threading.Thread(target=run, daemon=True)
        with self._lock:
            self._require_open()
            self._threads = [other for other in self._threads if other.is_alive()]
            self._threads.append(thread)
            thread.start()

    def process(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], out: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start the command, which prints to `out`; raises Closed if it is too late."""
        with self._lock:
            self._require_open()
            self._processes = [other for other in self._processes if other.poll() is None]
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            self._processes.append(process)
        return process

    def close(self) -> None:
        """Kill the processes and wait for the threads; nothing is left to disturb a successor."""
        with self._lock:
            self._closed = True
        for process in self._processes:
            process.kill()
            process.wait()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))

    def _require_open(self) -> None:
        if self._closed:
            raise Closed
