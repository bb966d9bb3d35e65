"""What the lake function needs: a bucket of objects, and the tables of a Glue database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class Objects(Protocol):
    """One bucket. Keys and prefixes are text; a folder's name ends in `/`."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The folders right below a prefix, by name, without the prefix."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys below a prefix, sorted."""
        ...

    def read(self, key: str) -> bytes | None:
        """The object's bytes, unpacked if it is compressed; None where there is none."""
        ...

    def write(self, key: str, data: bytes) -> None:
        """Create or replace an object."""
        ...


class Partition(NamedTuple):
    """An hour of deliveries: its day and hour as in its folder, and where its files lie."""

    date: str
    hour: str
    location: str


@dataclass(frozen=True)
class CatalogTable:
    """A Glue table as it is now: `made` changes when it is made anew, `descriptor` is Glue's."""

    name: str
    made: str
    descriptor: Mapping[str, Any]


class GlueCatalog(Protocol):
    """The Glue databases of the deployment."""

    def tables(self, database: str) -> Iterable[CatalogTable]:
        """Every table of the database."""
        ...

    def add(self, database: str, table: CatalogTable, partitions: Sequence[Partition]) -> None:
        """Register partitions with the table's columns; one that exists is left as it is."""
        ...

    def widen(self, database: str, table: CatalogTable, partition: Partition) -> None:
        """Give a registered partition the table's columns; its location is replaced too."""
        ...
