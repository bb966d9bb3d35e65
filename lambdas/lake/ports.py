"""What the lake function needs: the lake's bucket, and the tables of the Glue databases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class Named(Protocol):
    """An object as a listing has it."""

    @property
    def key(self) -> str:
        """Its key in the bucket."""


class Objects(Protocol):
    """The lake's bucket. Keys are written whole or not at all, and listed at once."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The prefixes one level below that hold objects, sorted, each ending in `/`."""

    def objects(self, prefix: str) -> Iterator[Named]:
        """The objects whose keys begin so, sorted by key."""

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Content and ETag; None where there is no such object."""

    def write(self, key: str, content: bytes) -> None:
        """Store this content, whatever was there."""


class Partition(NamedTuple):
    """An hour of deliveries: its day and hour as in its folder, and the key prefix of its files.

    `generation` names what compaction has made of it, which is shown since `compacted_at`.
    """

    date: str
    hour: str
    folder: str
    generation: str = ""
    compacted_at: datetime | None = None


@dataclass(frozen=True)
class CatalogTable:
    """A Glue table as it is now: `made` changes when it is made anew, `descriptor` is Glue's."""

    use_case: str
    name: str
    made: str
    descriptor: Mapping[str, Any]


class GlueCatalog(Protocol):
    """The Glue databases of the deployment."""

    def tables(self, use_case: str) -> Iterable[CatalogTable]:
        """Every table of the use case's database."""

    def add(self, table: CatalogTable, partitions: Sequence[Partition]) -> None:
        """Register partitions with the table's columns; one that exists is left as it is."""

    def widen(self, table: CatalogTable, partition: Partition) -> None:
        """Give a registered partition the table's columns; its folder is replaced too."""
