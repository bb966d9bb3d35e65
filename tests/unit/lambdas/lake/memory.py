"""A bucket, a Glue database and a stream that are only remembered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lambdas.lake.ports import CatalogTable, Partition
from lambdas.stream import Entry


@dataclass
class MemoryBucket:
    """Objects by key; `listed` are the prefixes that were asked for."""

    objects: dict[str, bytes] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)

    def folders(self, prefix: str) -> Iterator[str]:
        self.listed.append(prefix)
        below = (k.removeprefix(prefix) for k in self.objects if k.startswith(prefix))
        yield from sorted({f"{k.partition('/')[0]}/" for k in below if "/" in k})

    def keys(self, prefix: str) -> Iterator[str]:
        self.listed.append(prefix)
        yield from sorted(k for k in self.objects if k.startswith(prefix))

    def read(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def write(self, key: str, data: bytes) -> None:
        self.objects[key] = data


@dataclass
class MemoryCatalog:
    """Tables by name, and what was registered: location by table, date and hour."""

    names: Iterable[str]
    columns: list[str] = field(default_factory=lambda: ["id"])
    made: str = "first"
    registered: dict[tuple[str, str, str], str] = field(default_factory=dict)
    widened: list[tuple[str, str, str]] = field(default_factory=list)
    calls: int = 0

    def tables(self, database: str) -> Iterator[CatalogTable]:
        assert database == "sdp_shop"
        for name in self.names:
            yield CatalogTable(name, self.made, {"Columns": self.columns, "Location": "table"})

    def add(self, database: str, table: CatalogTable, partitions: Sequence[Partition]) -> None:
        self.calls += 1
        for date, hour, location in partitions:
            self.registered.setdefault((table.name, date, hour), location)

    def widen(self, database: str, table: CatalogTable, partition: Partition) -> None:
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
