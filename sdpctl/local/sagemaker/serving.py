"""The processes behind endpoints: started from a model's archive, checked, called, drained."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sdpctl.clock import pause
from sdpctl.errors import CommandError
from sdpctl.local.processes import last_lines
from sdpctl.local.sagemaker.background import Background
from sdpctl.local.sagemaker.container import program
from sdpctl.local.sagemaker.objects import S3Files
from sdpctl.local.sagemaker.running import plain_environment
from sdpctl.local.sagemaker.store import Document

WORKER = Path(__file__).with_name("worker.py")
MODEL = "/opt/ml/model"  # where the container has the model's archive
START_SECONDS, CALL_SECONDS, DRAIN_SECONDS = 120.0, 60.0, 60.0


class NotServing(CommandError):
    """The process did not come up, or is gone."""


@dataclass(frozen=True)
class Answer:
    """What a container answered."""

    status: int
    body: bytes
    content_type: str


@dataclass
class Worker:
    """One serving process and the connections to it."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    _idle: list[http.client.HTTPConnection] = field(default_factory=list)
    _calls: int = 0
    _lock: threading.Condition = field(default_factory=threading.Condition)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def enter(self) -> None:
        """Count a call that is about to be made: a worker is drained once there is none."""
        with self._lock:
            self._calls += 1

    def leave(self) -> None:
        """The call is over."""
        with self._lock:
            self._calls -= 1
            self._lock.notify_all()

    def call(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST /invocations; NotServing if the process cannot be reached."""
        with self._connection() as connection:
            connection.request("POST", "/invocations", body, dict(headers))
            response = connection.getresponse()
            content = response.read()
            return Answer(response.status, content, response.headers.get("content-type", ""))

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=CALL_SECONDS
        )
        try:
            yield connection
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NotServing(f"{type(error).__name__}: {error}") from error
        with self._lock:
            self._idle.append(connection)

    def drain(self) -> None:
        """Let calls under way end, then end the process."""
        deadline = time.monotonic() + DRAIN_SECONDS
        with self._lock:
            while self._calls and time.monotonic() < deadline:
                self._lock.wait(1)
        self.end()

    def end(self) -> None:
        """End the process and remove its files."""
        for connection in self._idle:
            connection.close()
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(
    model: Document, objects: S3Files, background: Background, home: Path, log: Path
) -> Worker:
    """A worker that has loaded the model and answered; raises CommandError."""
    container = model["PrimaryContainer"]
    script, source = program(container.get("Environment", {}))
    home.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{model['ModelName']}-", dir=home))
    try:
        objects.unpack(container["ModelDataUrl"], folder / "model")
        code = folder / "code"
        if source.startswith(MODEL):
            code = folder / "model" / source.removeprefix(MODEL).lstrip("/")
        else:
            objects.unpack(source, code)
        environment = plain_environment(code) | container.get("Environment", {})
        return _started(script, environment, background, folder, code, log)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _started(
    script: str,
    environment: Mapping[str, str],
    background: Background,
    folder: Path,
    code: Path,
    log: Path,
) -> Worker:
    port_file = folder / "port"
    options = ["--script", script, "--model", str(folder / "model"), "--port-file", str(port_file)]
    with log.open("ab") as out:
        # -P: the script's neighbours in the platform are not to be seen by the model.
        command = [sys.executable, "-P", str(WORKER), *options]
        process = background.process(command, cwd=code, env=environment, out=out)
    deadline = time.monotonic() + START_SECONDS
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            tail = last_lines(log, 4)
            raise NotServing(f"The container did not pass the ping health check: {tail}")
        pause(0.02)
    return Worker(process, int(port_file.read_text()), folder)
