"""The port to the Glue databases: tables, and the partitions that point readers at files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from lambdas.lakestore.hours import Hour


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
