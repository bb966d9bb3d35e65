"""Processes that outlive the command that starts them, and only those are ever ended.

A pid file holds the pid and the start time, so a pid that was given to another program since then
is not mistaken for ours.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from sdpctl.errors import CommandError
from sdpctl.local import files
from sdpctl.settings import Settings


@dataclass(frozen=True)
class Service:
    """A named process with a pid file and a log."""

    name: str
    settings: Settings
    suffix: str = ".log"

    @property
    def pid_file(self) -> Path:
        """Where pid and start time are kept."""
        return self.settings.home / "pids" / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """Where its standard output and error go."""
        return self.settings.logs / f"{self.name}{self.suffix}"

    def start(
        self, command: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start the process detached, as the leader of a session of its own.

        Raises OSError if its log or its pid file cannot be written; then it does not run.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd or self.settings.root,
                start_new_session=True,
            )
        try:
            self._remember(process.pid)
        except OSError:  # nobody would ever end a process that nobody knows
            process.kill()
            process.wait()
            raise
        return process

    def _remember(self, pid: int) -> None:
        with suppress(psutil.NoSuchProcess):
            started = psutil.Process(pid).create_time()
            files.write(self.pid_file, json.dumps({"pid": pid, "started": started}))

    def process(self) -> psutil.Process | None:
        """The running process that we started, or None."""
        with suppress(OSError, ValueError, KeyError, psutil.Error):
            record = json.loads(self.pid_file.read_text())
            process = psutil.Process(record["pid"])
            if abs(process.create_time() - record["started"]) < 1 and _alive(process):
                return process
        return None

    def resident(self) -> int | None:
        """The memory that the process and what it started occupy; None if it does not run.

        Other services that it started are sessions of their own, and are not included.
        """
        process = self.process()
        own = [p for p in _family(process) if process and _session(p) == process.pid]
        return sum(map(_resident, own)) if own else None

    def stop(self, patience: float = 20) -> bool:
        """End the process and everything it started; whether there was something to end."""
        process = self.process()
        everything = _family(process) + self._session()
        if process:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
            _wait([process], patience)
        _kill(everything)
        self.pid_file.unlink(missing_ok=True)
        return bool(everything)

    def kill(self) -> None:
        """End the process and everything it started at once, as a crash would."""
        _kill(_family(self.process()) + self._session())
        self.pid_file.unlink(missing_ok=True)

    def _session(self) -> list[psutil.Process]:
        """What is left of the process's session, even if its leader is gone."""
        with suppress(OSError, ValueError, KeyError):
            record = json.loads(self.pid_file.read_text())
            return [
                p for p in psutil.process_iter() if _belongs(p, record["pid"], record["started"])
            ]
        return []


def _belongs(process: psutil.Process, session: int, since: float) -> bool:
    with suppress(OSError, psutil.Error):
        return os.getsid(process.pid) == session and process.create_time() >= since - 1
    return False


def _alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _family(process: psutil.Process | None) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)] if process else []
    return []


def _session(process: psutil.Process) -> int | None:
    """The process that leads its session; None if it has ended."""
    with suppress(OSError):
        return os.getsid(process.pid)
    return None


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    _wait(processes, 10)


def _wait(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Until they have ended, for at most this long."""
    while processes:
        try:
            psutil.wait_procs(processes, timeout=seconds)
        except (FileNotFoundError, psutil.NoSuchProcess):  # one that has ended just now
            processes = [process for process in processes if process.is_running()]
        else:
            return


def port_is_free(port: int) -> bool:
    """Whether nothing listens on the port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def require_port(port: int, variable: str) -> None:
    """Raise CommandError if a server cannot have the port: why, and the variable that moves it."""
    if problem := port_problem(port, variable):
        raise CommandError(problem)


def port_problem(port: int, variable: str) -> str | None:
    """Why a server cannot have the port of 127.0.0.1, and what to do; None if it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            return f"port {port} needs root privileges: choose one above 1023 with {variable}=…"
        except OSError:
            holder = _holder(port)
            return (
                f"port {port} is in use by {holder}: end that, or choose another with {variable}=…"
            )
    return None


def _holder(port: int) -> str:
    """The program that listens on a port; that of another user has no name for us."""
    with suppress(psutil.Error, OSError):
        for found in psutil.net_connections("tcp"):
            listens = found.status == psutil.CONN_LISTEN and found.laddr[1:] == (port,)
            if listens and found.pid:
                return f"{psutil.Process(found.pid).name()} (pid {found.pid})"
    return "another program"


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def last_lines(path: Path, count: int = 15) -> str:
    """The end of a log, for an error message."""
    with suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    return ""
