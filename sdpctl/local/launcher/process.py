"""Lambda: the process that runs a function; its code is unzipped once for all of its processes.

A process that does not start fails its own call and no other, where the emulator ends all processes
of the function; one whose handler raises serves the next call, where the emulator ends it. What the
function writes to its log is complete when its answer is: the emulator waits up to 50 ms for a
first line.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from ministack.core import lambda_runtime as runtime

START_SECONDS = 60  # a process that is not ready by then is ended
LOG_SECONDS = 0.25  # for the last line of a call's log, after the call's answer
NOT_INHERITED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME")

# The process marks the end of a call's log before it answers.
_MARK = "sdp: end of the log of a call"
_SCRIPT = f"""
import sys
class _Answers:
    def __init__(self, stream):
        self.write = stream.write
        self.send = stream.flush
    def flush(self):
        sys.stderr.write({_MARK!r} + "\\n")
        sys.stderr.flush()
        self.send()
sys.stdout = _Answers(sys.stdout)
"""

REPLACED: dict[Callable[..., Any], list[str]] = {}
USED: dict[ModuleType, tuple[str, ...]] = {
    runtime: (
        "_PYTHON_WORKER_SCRIPT",
        "_RESERVED_RUNTIME_ENV_VARS",
        "_account_region_from_function_config",
        "execution_credentials",
    )
}
_unzipping = threading.Lock()


def replace() -> None:
    """Nothing: `functions` makes these processes."""


class FunctionProcess(runtime.Worker):  # type: ignore[misc]  # the emulator has no types
    """A process of one version of a function, whatever its language."""

    _proc: subprocess.Popen[str] | None
    _stderr_queue: queue.Queue[str]

    def __init__(self, func_name: str, config: dict[str, Any], code_zip: bytes) -> None:
        super().__init__(func_name, config, code_zip)
        self.revision = (config.get("RevisionId"), config.get("CodeSha256"))
        self._started = False
        self._start_log: list[str] = []

    @property
    def ready(self) -> bool:
        """Whether it runs and has loaded its code."""
        process = self._proc
        return self._started and process is not None and process.poll() is None

    def invoke(self, event: Any, request_id: str, **details: Any) -> dict[str, Any]:
        """Run one call; a process that cannot start is an error of this call alone."""
        try:
            return self._call(event, request_id, **details)
        except Exception as error:  # noqa: BLE001  the emulator would end all of its processes
            process, self._proc = self._proc, None
            if process:
                process.kill()
                process.wait()
            log = self._drain_stderr()
            return {"status": "error", "error": str(error), "cold_start": True, "log": log}

    def _call(self, event: Any, request_id: str, **details: Any) -> dict[str, Any]:
        return dict(super().invoke(event, request_id, **details))

    def _spawn(self) -> None:
        self._started = False
        self._start()
        self._started = True

    def _start(self) -> None:
        super()._spawn()


class PythonProcess(FunctionProcess):
    """Python, without layers: the code's folder and what was compiled in it are shared."""

    def _start(self) -> None:
        code = code_folder(self.code_zip)
        script = code.parent / "worker.py"
        process = subprocess.Popen(
            [sys.executable, str(script), self.func_name],
            cwd=code,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            bufsize=1,
            env=self._environment(code),
        )
        self._proc, self._stderr_queue = process, queue.Queue()
        follow = threading.Thread(
            target=_follow, args=(process.stderr, self._stderr_queue), daemon=True
        )
        follow.start()
        with _ended_after(START_SECONDS, process):
            self._load(process, code)

    def _load(self, process: subprocess.Popen[str], code: Path) -> None:
        """Have it import the handler; raises RuntimeError if that fails."""
        module, handler = self.config["Handler"].rsplit(".", 1)
        order = {
            "code_dir": str(code),
            "module": module.replace("/", "."),
            "handler": handler,
            "env": self._variables(),
            "function_name": self.func_name,
            "memory": self.config.get("MemorySize", 128),
            "arn": self.config.get("FunctionArn", ""),
        }
        loaded = _exchange(process, order)
        if loaded.get("status") != "ready":
            why = loaded.get("error") or self._drain_stderr()[-4096:]
            raise RuntimeError(f"{self.func_name} does not start: {why}")
        self._start_log = list(self._lines())

    def _call(self, event: Any, request_id: str, **details: Any) -> dict[str, Any]:
        """As the emulator calls, but the process outlives an error of the handler, as on AWS."""
        cold, seconds = not self.ready, self.config.get("Timeout", 30)
        if cold:
            self._spawn()
        process = self._proc
        assert process
        with _ended_after(seconds, process) as late:
            answer = _exchange(process, self._envelope(event, request_id, details))
        if late.is_set():
            raise RuntimeError(f"Task timed out after {seconds}.00 seconds")
        if not answer:
            raise RuntimeError(f"Runtime exited with error: exit status {process.wait()}")
        return {**answer, "cold_start": cold, "log": self._drain_stderr_bounded()}

    def _envelope(self, event: Any, request_id: str, details: dict[str, Any]) -> dict[str, Any]:
        """An event with its context, in the form that the script reads."""
        arn = details.get("invoked_function_arn")
        context = {
            "request_id": request_id,
            "invoked_function_arn": self.config.get("FunctionArn", "") if arn is None else arn,
            "timeout_ms": int(self.config.get("Timeout", 30) * 1000),
            "trace_id": details.get("trace_id"),
            "depth": details.get("depth"),
            "durable": details.get("durable") or {},
        }
        return {"event": event, "ctx": context}

    def _variables(self) -> dict[str, str]:
        own = self.config.get("Environment", {}).get("Variables", {})
        return {k: v for k, v in own.items() if k not in runtime._RESERVED_RUNTIME_ENV_VARS}

    def _environment(self, code: Path) -> dict[str, str]:
        _, region = runtime._account_region_from_function_config(self.config)
        kept = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
        return {
            runtime.HOST_PREFIX_ENV: "true",
            **kept,
            **self._variables(),
            **runtime.execution_credentials(self.config),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "LAMBDA_TASK_ROOT": str(code),
            "AWS_LAMBDA_FUNCTION_NAME": self.func_name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.config.get("MemorySize", 128)),
            "AWS_LAMBDA_FUNCTION_VERSION": self.config.get("Version", "$LATEST"),
            "AWS_LAMBDA_LOG_STREAM_NAME": str(uuid.uuid4()),
            "_LAMBDA_FUNCTION_ARN": self.config.get("FunctionArn", ""),
            "_LAMBDA_TIMEOUT": str(self.config.get("Timeout", 30)),
        }

    def _drain_stderr_bounded(self, *_: float) -> str:
        """The log of the call that has just answered, and before the first of the start."""
        lines, self._start_log = self._start_log, []
        return "\n".join([*lines, *self._lines()])

    def _lines(self) -> Iterator[str]:
        """Up to the mark, which comes within `LOG_SECONDS` of the answer."""
        with suppress(queue.Empty):
            while True:
                line = self._stderr_queue.get(timeout=LOG_SECONDS)
                written, marked, _ = line.partition(_MARK)
                if written or not marked:
                    yield written
                if marked:
                    return


def _exchange(process: subprocess.Popen[str], message: dict[str, Any]) -> dict[str, Any]:
    """Send a message and read its answer; empty if the process ends before that."""
    assert process.stdin and process.stdout
    try:
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
    except OSError:
        return {}
    answer = next((line for line in process.stdout if line.startswith("{")), "{}")
    return dict(json.loads(answer))


@contextmanager
def _ended_after(seconds: float, process: subprocess.Popen[str]) -> Iterator[threading.Event]:
    """End the process if the block takes longer; the event says that it was ended."""
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    limit = threading.Timer(seconds, end)
    limit.daemon = True
    limit.start()
    try:
        yield late
    finally:
        limit.cancel()


def _follow(stream: IO[str], lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line.rstrip("\n"))


def new_process(func_name: str, config: dict[str, Any], code_zip: bytes) -> FunctionProcess:
    """A process of the function that is not started yet."""
    alone = str(config.get("Runtime", "")).startswith("python") and not config.get("Layers")
    return (PythonProcess if alone else FunctionProcess)(func_name, config, code_zip)


def code_folder(code_zip: bytes) -> Path:
    """The unzipped code, with the script that runs it beside it; made at its first use."""
    root = Path(tempfile.gettempdir()) / "functions" / hashlib.sha256(code_zip).hexdigest()[:32]
    with _unzipping:
        if not root.exists():
            made = Path(tempfile.mkdtemp(prefix="functions-"))
            try:
                with zipfile.ZipFile(io.BytesIO(code_zip)) as archive:
                    archive.extractall(made / "code")
                (made / "worker.py").write_text(_SCRIPT + runtime._PYTHON_WORKER_SCRIPT)
                root.parent.mkdir(exist_ok=True)
                made.rename(root)
            except OSError:
                shutil.rmtree(made, ignore_errors=True)
                raise
    return root / "code"
