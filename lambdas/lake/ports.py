"""The ports of the lake function: the lake's bucket, and the tables of the Glue databases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class Named(Protocol):
    """An object in a listing."""

    @property
    def key(self) -> str:
        """Its key in the bucket."""


class Objects(Protocol):
    """The lake's bucket. Writes are atomic, and listed immediately."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The prefixes one level down that contain objects, sorted, each ending in `/`."""

    def objects(self, prefix: str) -> Iterator[Named]:
        """The objects with this key prefix, sorted by key."""

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Content and ETag; None if there is no such object."""

    def write(self, key: str, content: bytes) -> None:
        """Store the content, replacing any object with this key."""


class Partition(NamedTuple):
    """An hour of deliveries: day and hour as in its folder, and the key prefix of its files.

    `generation` is the compacted one that readers see since `compacted_at`.
    """

    date: str
    hour: str
    folder: str
    generation: str = ""
    compacted_at: datetime | None = None


@dataclass(frozen=True)
class CatalogTable:
    """A Glue table: `made` changes when the table is re-created, `descriptor` is Glue's."""

    use_case: str
    name: str
    made: str
    descriptor: Mapping[str, Any]


class GlueCatalog(Protocol):
    """The Glue databases of the deployment."""

    def tables(self, use_case: str) -> Iterable[CatalogTable]:
        """Every table of the use case's database."""

    def add(self, table: CatalogTable, partitions: Sequence[Partition]) -> None:
        """Register partitions with the table's columns; existing ones stay as they are."""

    def widen(self, table: CatalogTable, partition: Partition) -> None:
        """Give a registered partition the table's columns and the folder named here."""
