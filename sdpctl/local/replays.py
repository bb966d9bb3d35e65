"""The replay that runs on this machine, and those that were interrupted, for `./sdp status`.

One replay at a time: its command holds a lock, and notes beside it what it does.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from sdpctl.errors import CommandError
from sdpctl.local import files

NOTED_SECONDS = 1.0


@dataclass(frozen=True)
class Replay:
    """A replay. `buckets` is its range, `since` when it was started (epoch seconds).

    `done` of `total` is how far its `step` is; `total` is 0 where it is unknown.
    """

    use_case: str
    place: str
    buckets: str
    pid: int
    since: float
    step: str = "starting"
    done: int = 0
    total: int = 0

    @property
    def progress(self) -> str:
        """The step, and how much of it is done."""
        of = f" of {self.total:,}" if self.total else ""
        return f"{self.step} {self.done:,}{of}" if self.done or self.total else self.step


class Notes:
    """What the replay that holds the lock notes; at most once a second within a step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replay: Replay | None = None
        self._noted = (0.0, "")

    def begin(self, use_case: str, place: str, buckets: str) -> None:
        """Note what is replayed; `place` is a region, or `local`."""
        self._replay = Replay(use_case, place, buckets, os.getpid(), time.time())
        self._write(self._replay)

    def step(self, step: str, done: int, total: int | None = None) -> None:
        """Note how far it is."""
        at, last = self._noted
        if self._replay is None or (last == step and time.monotonic() < at + NOTED_SECONDS):
            return
        self._noted = time.monotonic(), step
        noted: dict[str, Any] = {"step": step, "done": done, "total": total or 0}
        self._write(Replay(**{**asdict(self._replay), **noted}))

    def _write(self, replay: Replay) -> None:
        with suppress(OSError):  # a full disk: the replay itself says so
            files.write(self._path, json.dumps(asdict(replay)))


@contextmanager
def alone(home: Path) -> Iterator[Notes]:
    """Holds the lock of the replays below `home`. Raises CommandError if another has it."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(_taken(_noted(home))) from error
        noted = home / "running.json"
        noted.unlink(missing_ok=True)
        try:
            yield Notes(noted)
        finally:
            noted.unlink(missing_ok=True)


def running(home: Path) -> Replay | None:
    """The replay that runs; None if none does. Leaves the lock to replays."""
    noted = _noted(home)
    with suppress(psutil.Error):
        # A process that is younger than the note has the number of one that was killed.
        if noted and psutil.Process(noted.pid).create_time() <= noted.since:
            return noted
    return None


def interrupted(home: Path) -> list[tuple[str, str, str, str]]:
    """Place, use case, start and end of each replay that was interrupted."""
    found = []
    for plan in sorted(home.glob("*/*/plan.json")):
        with suppress(OSError, ValueError, KeyError):
            start, end = json.loads(plan.read_text())["buckets"]
            found.append((plan.parts[-3], plan.parts[-2], start, end))
    return found


def _noted(home: Path) -> Replay | None:
    try:
        return Replay(**json.loads((home / "running.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _taken(other: Replay | None) -> str:
    if other is None:
        return "another replay is running on this machine: wait until it has ended"
    return (
        f"another replay is running on this machine, of {other.use_case}, {other.buckets} "
        f"({other.progress}): wait until it has ended, or end it with: kill {other.pid}"
    )
