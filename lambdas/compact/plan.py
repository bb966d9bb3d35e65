"""What to do for one hour, decided from its files. Pure: reads and writes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import orjson

from lambdas.lakestore.hours import Hour
from lambdas.lakestore.manifest import Manifest
from lambdas.lakestore.objects import StoredObject
from lambdas.lakestore.partitions import Placement

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The deployment's limits. A batch has at most `batch_bytes` and `batch_files`."""

    closed_after: timedelta = timedelta(minutes=15)
    grace: timedelta = timedelta(hours=1)
    file_bytes: int = 128 * MIB
    batch_bytes: int = 1536 * MIB
    batch_files: int = 4_000


@dataclass(frozen=True)
class State:
    """The state of an hour: where readers look, what that was made from, what was delivered."""

    hour: Hour
    placement: Placement
    manifest: Manifest | None
    delivered: tuple[StoredObject, ...]

    @cached_property
    def absorbed(self) -> tuple[StoredObject, ...]:
        """Delivered objects whose rows are in the generation."""
        known = {(o.key, o.etag) for o in self.manifest.absorbed} if self.manifest else set()
        return tuple(o for o in self.delivered if (o.key, o.etag) in known)

    @cached_property
    def fresh(self) -> tuple[StoredObject, ...]:
        """Delivered objects that are in no generation yet."""
        absorbed = set(self.absorbed)
        return tuple(o for o in self.delivered if o not in absorbed)

    @property
    def shows_delivered(self) -> bool:
        """Whether readers read the delivery folder itself."""
        return self.manifest is None

    def removable(self, now: datetime, grace: timedelta) -> bool:
        """Whether no reader can still use what the generation replaced."""
        moved = self.placement.compacted_at
        return bool(self.absorbed) and moved is not None and now >= moved + grace

    def idle(self, now: datetime, grace: timedelta) -> bool:
        """Whether there is nothing to do now."""
        return not self.fresh and not self.removable(now, grace)


@dataclass(frozen=True)
class Plan:
    """A generation to be made; its name is derived from everything its content depends on."""

    hour: Hour
    number: int
    base: tuple[StoredObject, ...]
    fresh: tuple[StoredObject, ...]
    absorbed: tuple[StoredObject, ...]
    limits: Limits
    engine: str

    @property
    def sources(self) -> tuple[StoredObject, ...]:
        """All files to merge."""
        return (*self.base, *self.fresh)

    @cached_property
    def generation(self) -> str:
        """Like 000002-0a1b2c3d4e5f; the same sources merged the same way have the same name."""
        columns = [(c.name, str(c.type)) for c in self.hour.table.columns]
        sizes = (self.limits.file_bytes, self.limits.batch_bytes, self.limits.batch_files)
        content = orjson.dumps([self.sources, columns, sizes, self.engine])
        return f"{self.number:06d}-{hashlib.sha256(content).hexdigest()[:12]}"

    @property
    def folder(self) -> str:
        """Where the generation's files are written, and nothing else."""
        return f"{self.hour.compacted}{self.generation}/"

    @property
    def work(self) -> str:
        """The folder of temporary objects while the generation is made."""
        return f"{self.hour.compacted}{self.generation}.work/"

    @property
    def bytes(self) -> int:
        """Size of all sources."""
        return sum(source.size for source in self.sources)

    @cached_property
    def batches(self) -> tuple[tuple[StoredObject, ...], ...]:
        """The sources in parts that fit on the disk."""
        return tuple(_batches(self.sources, self.limits))

    @property
    def buckets(self) -> int:
        """The number of hash buckets, each small enough to be sorted in memory."""
        return -(-self.bytes // self.limits.batch_bytes) or 1


def plan(state: State, limits: Limits, engine: str) -> Plan | None:
    """What to merge; None if every delivered object is already in the generation."""
    if not state.fresh:
        return None
    return Plan(
        hour=state.hour,
        number=1 + _number(state.placement.generation),
        base=state.manifest.merged.files if state.manifest else (),
        fresh=state.fresh,
        absorbed=(*state.absorbed, *state.fresh),
        limits=limits,
        engine=engine,
    )


def manifest_key(hour: Hour, generation: str) -> str:
    """The key of a generation's manifest; not in its folder, which holds only data."""
    return f"{hour.compacted}{generation}.json"


def _number(generation: str) -> int:
    return int(generation.partition("-")[0] or 0)


def _batches(
    sources: tuple[StoredObject, ...], limits: Limits
) -> Iterator[tuple[StoredObject, ...]]:
    batch: list[StoredObject] = []
    size = 0
    for source in sources:
        full = size + source.size > limits.batch_bytes or len(batch) == limits.batch_files
        if batch and full:
            yield tuple(batch)
            batch, size = [], 0
        batch.append(source)
        size += source.size
    if batch:
        yield tuple(batch)
