"""Lambda: the process that runs a function; its code is unzipped once for all of its processes.

A process that does not start fails its own call and no other; the emulator ends all processes of
the function then. What the function writes to its log is complete when its answer is: the emulator
waits up to 50 ms for a first line.
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
from contextlib import suppress
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
            return dict(super().invoke(event, request_id, **details))
        except Exception as error:  # noqa: BLE001  the emulator would end all of its processes
            process, self._proc = self._proc, None
            if process:
                process.kill()
                process.wait()
            log = self._drain_stderr()
            return {"status": "error", "error": str(error), "cold_start": True, "log": log}

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
        limit = threading.Timer(START_SECONDS, process.kill)
        limit.start()
        try:
            self._load(process, code)
        finally:
            limit.cancel()

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
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        answer = next((line for line in process.stdout if line.startswith("{")), "{}")
        loaded = json.loads(answer)
        if loaded.get("status") != "ready":
            why = loaded.get("error") or self._drain_stderr()[-4096:]
            raise RuntimeError(f"{self.func_name} does not start: {why}")
        self._start_log = list(self._lines())

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
