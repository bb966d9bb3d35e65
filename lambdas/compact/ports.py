"""The ports of compaction: objects, the partitions that point at them, a merger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from glue import PlatformError
from glue.targets.lake import LakeTable

if TYPE_CHECKING:
    from lambdas.compact.hours import Hour


@dataclass(frozen=True, order=True)
class StoredObject:
    """An object in a listing; `etag` changes with its content."""

    key: str
    size: int
    etag: str = ""


class Objects(Protocol):
    """The lake's bucket. Writes are atomic, and listed immediately."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The prefixes one level down that contain objects, sorted, each ending in `/`."""

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """The objects with this key prefix, sorted by key."""

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Content and ETag; None if there is no such object."""

    def write(self, key: str, content: bytes) -> None:
        """Store the content, replacing any object with this key."""

    def create(self, key: str, content: bytes, replacing: str | None = None) -> str | None:
        """Store it and return the ETag; None unless the key is free or has the ETag `replaced`."""

    def download(self, key: str, path: Path) -> None:
        """Copy an object to a file."""

    def upload(self, path: Path, key: str) -> None:
        """Copy a file to an object."""

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; objects that no longer exist are ignored."""


@dataclass(frozen=True)
class Placement:
    """Where a partition points: its delivery folder, or the folder of a generation."""

    location: str
    generation: str = ""
    compacted_at: datetime | None = None


class Partitions(Protocol):
    """The partitions in Glue: what readers see."""

    def find(self, hour: Hour) -> Placement | None:
        """Where the hour's partition points; None while it is not registered."""

    def move(self, hour: Hour, placement: Placement) -> None:
        """Point the partition at another folder in one step; nothing else of it changes."""


@dataclass(frozen=True)
class Written:
    """Local files in the order of their rows, with the number of rows before and after."""

    files: tuple[Path, ...]
    rows_read: int
    rows_written: int


class MergeError(PlatformError):
    """Files could not be merged."""


class Merger(Protocol):
    """Merges local files. `engine` identifies the writer."""

    @property
    def engine(self) -> str:
        """Changes when the same files would be written differently."""

    def merge(
        self, table: LakeTable, files: Sequence[Path], folder: Path, file_bytes: int
    ) -> Written:
        """Write all rows in order, each once, in files of about that size. Raises MergeError."""

    def split(
        self, table: LakeTable, files: Sequence[Path], folder: Path, buckets: int
    ) -> dict[int, tuple[Path, ...]]:
        """Write all rows by bucket, duplicates in the same one; empty buckets are left out."""
