"""A lake in memory that can be killed: after any number of steps, the next one never happens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from glue.targets.lake import LakeTable
from glue.types import Column, Integer, String
from lambdas.compact.compaction import Compaction
from lambdas.compact.lease import Leases
from lambdas.compact.plan import Limits
from lambdas.compact.ports import Written
from lambdas.lakestore.hours import Hour
from lambdas.lakestore.objects import StoredObject
from lambdas.lakestore.partitions import Placement

TABLE = LakeTable(
    use_case="machines",
    stream="readings",
    doc="Readings of machines.",
    columns=(
        Column("machine", String(), True, "Which one."),
        Column("type", String(), True, "Which event."),
        Column("event_id", String(), True, "Names it."),
        Column("value", Integer(), False, "What was read."),
    ),
    key="machine",
    identity=("machine", "type", "event_id"),
)
START = datetime(2026, 11, 21, 10, tzinfo=UTC)
HOUR = Hour(TABLE, START)


class Killed(BaseException):
    """The process is gone; nothing catches this."""


@dataclass
class Clock:
    """The time, set by the test."""

    now: datetime = START + timedelta(hours=1, minutes=15)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Fate:
    """Counts the steps that touch the outside and ends the run at one of them."""

    steps: int = 0
    last: int | None = None

    def step(self) -> None:
        if self.last is not None and self.steps >= self.last:
            raise Killed
        self.steps += 1


@dataclass
class Memory:
    """`Objects` and `Partitions` in dictionaries."""

    fate: Fate = field(default_factory=Fate)
    stored: dict[str, bytes] = field(default_factory=dict)
    placements: dict[str, Placement] = field(default_factory=dict)

    def folders(self, prefix: str) -> Iterator[str]:
        self.fate.step()
        below = (k.removeprefix(prefix) for k in self.stored if k.startswith(prefix))
        yield from sorted({f"{prefix}{k.partition('/')[0]}/" for k in below if "/" in k})

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        self.fate.step()
        for key in sorted(k for k in self.stored if k.startswith(prefix)):
            yield StoredObject(key, len(self.stored[key]), etag(self.stored[key]))

    def read(self, key: str) -> tuple[bytes, str] | None:
        self.fate.step()
        found = self.stored.get(key)
        return None if found is None else (found, etag(found))

    def write(self, key: str, content: bytes) -> None:
        self.fate.step()
        self.stored[key] = content

    def create(self, key: str, content: bytes, replacing: str | None = None) -> str | None:
        self.fate.step()
        found = self.stored.get(key)
        if (etag(found) if found is not None else None) != replacing:
            return None
        self.stored[key] = content
        return etag(content)

    def download(self, key: str, path: Path) -> None:
        self.fate.step()
        path.write_bytes(self.stored[key])

    def upload(self, path: Path, key: str) -> None:
        self.fate.step()
        self.stored[key] = path.read_bytes()

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:  # one by one: a kill may come between any two
            self.fate.step()
            self.stored.pop(key, None)

    def find(self, hour: Hour) -> Placement | None:
        self.fate.step()
        return self.placements.get(str(hour))

    def move(self, hour: Hour, placement: Placement) -> None:
        self.fate.step()
        self.placements[str(hour)] = placement

    def deliver(self, name: str, rows: Iterable[str], hour: Hour = HOUR) -> None:
        """A file arrives, and the partition is registered if it is the first."""
        self.stored[f"{hour.delivered}{name}"] = json.dumps(sorted(rows)).encode()
        self.placements.setdefault(str(hour), Placement(hour.delivered))

    def query(self, hour: Hour = HOUR) -> list[str]:
        """The rows a reader sees."""
        return [row for key in self.resolve(hour) for row in json.loads(self.stored[key])]

    def resolve(self, hour: Hour = HOUR) -> list[str]:
        """The files that a query which begins now reads, at some time or other."""
        location = self.placements[str(hour)].location
        return [key for key in self.stored if key.startswith(location)]


def etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass
class SetMerger:
    """Files of JSON lists, merged by a set; at most `rows` in a file."""

    fate: Fate = field(default_factory=Fate)
    rows: int = 3
    engine: str = "sets"

    def merge(
        self, table: LakeTable, files: Sequence[Path], folder: Path, file_bytes: int
    ) -> Written:
        self.fate.step()
        read = [row for file in files for row in json.loads(file.read_bytes())]
        kept = sorted(set(read))
        folder.mkdir(parents=True)
        written = [folder / f"{n}.json" for n in range(0, len(kept), self.rows)]
        for start, path in zip(range(0, len(kept), self.rows), written, strict=True):
            path.write_text(json.dumps(kept[start : start + self.rows]))
        return Written(tuple(written), len(read), len(kept))

    def split(
        self, table: LakeTable, files: Sequence[Path], folder: Path, buckets: int
    ) -> dict[int, tuple[Path, ...]]:
        self.fate.step()
        rows = [row for file in files for row in json.loads(file.read_bytes())]
        folder.mkdir(parents=True)
        pieces = {}
        for bucket in range(buckets):
            own = [row for row in rows if sum(row.encode()) % buckets == bucket]
            if own:
                pieces[bucket] = (folder / f"{bucket}.json",)
                pieces[bucket][0].write_text(json.dumps(own))
        return pieces


def compaction(memory: Memory, folder: Path, clock: Clock, **limits: int) -> Compaction:
    """Compaction of the lake in memory; both share one fate."""
    return Compaction(
        objects=memory,
        partitions=memory,
        merger=SetMerger(memory.fate),
        leases=Leases(memory, clock),
        clock=clock,
        limits=Limits(**limits),  # type: ignore[arg-type]
        folder=folder / "local",
    )
