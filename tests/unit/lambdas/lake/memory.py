"""A bucket, a Glue database and a stream that are only remembered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from lambdas.lakestore.partitions import CatalogTable, Partition
from lambdas.ports.stream import Entry


class Listed(NamedTuple):
    """An object in a listing."""

    key: str


@dataclass
class MemoryBucket:
    """Contents by key; `listed` has the requested prefixes."""

    stored: dict[str, bytes] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)

    def folders(self, prefix: str) -> Iterator[str]:
        self.listed.append(prefix)
        below = (k.removeprefix(prefix) for k in self.stored if k.startswith(prefix))
        yield from sorted({f"{prefix}{k.partition('/')[0]}/" for k in below if "/" in k})

    def objects(self, prefix: str) -> Iterator[Listed]:
        self.listed.append(prefix)
        yield from (Listed(k) for k in sorted(self.stored) if k.startswith(prefix))

    def read(self, key: str) -> tuple[bytes, str] | None:
        found = self.stored.get(key)
        return None if found is None else (found, "an etag")

    def write(self, key: str, content: bytes) -> None:
        self.stored[key] = content


@dataclass
class MemoryCatalog:
    """Tables by name, and what was registered: folder by table, date and hour.

    `failing` is how many calls fail first.
    """

    names: Iterable[str]
    columns: list[str] = field(default_factory=lambda: ["id"])
    made: str = "first"
    registered: dict[tuple[str, str, str], str] = field(default_factory=dict)
    generations: dict[tuple[str, str, str], tuple[str, datetime | None]] = field(
        default_factory=dict
    )
    widened: list[tuple[str, str, str]] = field(default_factory=list)
    calls: int = 0
    failing: int = 0

    def tables(self, use_case: str) -> Iterator[CatalogTable]:
        for name in self.names:
            yield CatalogTable(
                use_case, name, self.made, {"Columns": self.columns, "Location": "table"}
            )

    def add(self, table: CatalogTable, partitions: Sequence[Partition]) -> None:
        if self.failing:
            self.failing -= 1
            raise ConnectionError
        self.calls += 1
        for found in partitions:
            key = table.name, found.date, found.hour
            if key not in self.registered:
                self.registered[key] = found.folder
                self.generations[key] = found.generation, found.compacted_at

    def widen(self, table: CatalogTable, partition: Partition) -> None:
        self.widened.append((table.name, partition.date, partition.hour))


@dataclass
class MemoryStream:
    """Entries by stream; `failing` is how many calls fail first."""

    entries: list[tuple[str, Entry]] = field(default_factory=list)
    failing: int = 0

    def put(self, stream: str, entries: Sequence[Entry]) -> list[str | None]:
        if self.failing:
            self.failing -= 1
            return ["Throttled" for _ in entries]
        self.entries += [(stream, entry) for entry in entries]
        return [None for _ in entries]
