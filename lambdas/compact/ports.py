"""The port to what merges files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from glue import PlatformError
from glue.targets.lake import LakeTable


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
