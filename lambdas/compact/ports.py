"""What compaction needs of the outside: objects, the partitions that point at them, a merger."""

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
    """An object as a listing has it; `etag` changes with its content."""

    key: str
    size: int
    etag: str = ""


class Objects(Protocol):
    """The lake's bucket. Keys are written whole or not at all, and listed at once."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The prefixes one level below that hold objects, sorted, each ending in `/`."""

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """The objects whose keys begin so, sorted by key."""

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Content and ETag; None where there is no such object."""

    def write(self, key: str, content: bytes) -> None:
        """Store this content, whatever was there."""

    def create(self, key: str, content: bytes, replacing: str | None = None) -> str | None:
        """Store and answer with the ETag; None unless the key is free, or has the ETag replaced."""

    def download(self, key: str, path: Path) -> None:
        """Copy an object to a file."""

    def upload(self, path: Path, key: str) -> None:
        """Copy a file to an object."""

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are gone already do not matter."""


@dataclass(frozen=True)
class Placement:
    """Where a partition's files are: its delivery folder, or the folder of a generation."""

    location: str
    generation: str = ""
    compacted_at: datetime | None = None


class Partitions(Protocol):
    """The partitions as Glue has them: what readers see."""

    def find(self, hour: Hour) -> Placement | None:
        """Where the hour's partition is; None while it is not registered."""

    def move(self, hour: Hour, placement: Placement) -> None:
        """Point the partition elsewhere in one step; everything else about it stays."""


@dataclass(frozen=True)
class Written:
    """Local files in the order of their rows, and the number of rows before and after."""

    files: tuple[Path, ...]
    rows_read: int
    rows_written: int


class MergeError(PlatformError):
    """Files could not be merged."""


class Merger(Protocol):
    """Local files into fewer local files. `engine` names what wrote them."""

    @property
    def engine(self) -> str:
        """Changes whenever the same files would be written differently."""

    def merge(
        self, table: LakeTable, files: Sequence[Path], folder: Path, file_bytes: int
    ) -> Written:
        """All rows in order, each once, in files of about that size. Raises MergeError."""

    def split(
        self, table: LakeTable, files: Sequence[Path], folder: Path, buckets: int
    ) -> dict[int, tuple[Path, ...]]:
        """All rows, repetitions in the same bucket; empty buckets are left out."""
