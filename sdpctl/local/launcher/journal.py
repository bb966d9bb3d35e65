"""A journal: numbered entries in segment files, each written before what it describes is answered.

An entry is one line of JSON. It is with the operating system when `append` returns, so that it
survives the end of the process, and on the disk when `synced` returns; calls that wait at the same
time share one fdatasync. A line that was half written is dropped at the next start.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

SEGMENT_BYTES = 64 * 1024 * 1024
Entry = dict[str, Any]


class Journal:
    """Entries in a folder; `head` gives the entry that each segment begins with."""

    def __init__(self, folder: Path, head: Callable[[], Entry] | None = None) -> None:
        self.number = 0  # of the last entry
        self._folder, self._head = folder, head
        self._file: int | None = None
        self._size = self._on_disk = 0
        self._writing = threading.RLock()
        self._sync: asyncio.Future[None] | None = None

    def append(self, entry: Entry) -> None:
        """Write an entry; OSError if it is not written, and then nothing of it is."""
        with self._writing:
            if self._file is not None and self._size >= SEGMENT_BYTES:
                self._close()
            if self._file is None:
                self._open()
            self._write(entry)

    async def synced(self) -> None:
        """Return once every entry that has been appended is on the disk."""
        number = self.number
        while self._on_disk < number:
            if self._sync is None or self._sync.done():
                self._sync = asyncio.ensure_future(asyncio.to_thread(self._force))
            await asyncio.shield(self._sync)

    def entries(self, after: int) -> Iterator[Entry]:
        """Those with a greater number, in order; `append` goes on behind the last."""
        self.number = self._on_disk = after
        for path in self.segments():
            for entry in _complete(path):
                if entry["number"] > self.number:
                    self.number = self._on_disk = entry["number"]
                    yield entry

    def segments(self) -> list[Path]:
        """The files, oldest first."""
        return sorted(self._folder.glob("*.jsonl"))

    def drop(self, number: int) -> None:
        """Remove the segments all of whose entries are up to the number."""
        with self._writing:
            if self.number <= number:
                self._close()
            paths = self.segments()
            ends = [int(path.stem) - 1 for path in paths[1:]] + [self.number]
            for path, last in zip(paths, ends, strict=False):
                if last <= number:
                    path.unlink()

    def drop_older(self, seconds: float) -> None:
        """Remove the segments to which nothing has been written since (epoch seconds)."""
        with self._writing:
            for path in self.segments()[:-1]:
                if path.stat().st_mtime < seconds:
                    path.unlink()

    def _open(self) -> None:
        """A segment is named by the number of its first entry."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self.number + 1:020d}.jsonl"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._size = 0
        try:
            if self._head:
                self._write(self._head())
        except OSError:  # a segment without its head could not stand alone
            os.close(self._file)
            self._file = None
            path.unlink()
            raise

    def _write(self, entry: Entry) -> None:
        assert self._file is not None
        text = json.dumps({"number": self.number + 1, **entry}, separators=(",", ":"))
        line, written = f"{text}\n".encode(), 0
        try:
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)
        self.number += 1

    def _close(self) -> None:
        if self._file is not None:
            os.fdatasync(self._file)
            os.close(self._file)
            self._file, self._on_disk = None, self.number

    def _force(self) -> None:
        with self._writing:
            if self._file is None:
                return
            file, number = os.dup(self._file), self.number
        try:
            os.fdatasync(file)
        finally:
            os.close(file)
        self._on_disk = max(self._on_disk, number)


class Numbered:
    """A service's saved state with the number of the last entry that it contains."""

    def __init__(self, service: ModuleType, journal: Journal) -> None:
        self.saved = 0  # of the state that was loaded
        self._service, self._journal = service, journal
        self._state, self._load = service.get_state, service.load_persisted_state

    def replace(self) -> None:
        """Put these functions in the place of the service's."""
        vars(self._service).update(get_state=self.state, load_persisted_state=self.load)

    def state(self) -> dict[str, Any]:
        """What is saved."""
        return {**self._state(), "journal": self._journal.number}

    def load(self, data: dict[str, Any]) -> None:
        """Take what was saved."""
        self.saved = int(data.pop("journal", 0))
        self._load(data)


def _complete(path: Path) -> Iterator[Entry]:
    """The entries of a segment up to a line that was half written."""
    with path.open("rb") as lines:
        for line in lines:
            try:
                entry: Entry = json.loads(line)
            except ValueError:
                return
            if not line.endswith(b"\n"):
                return
            yield entry
