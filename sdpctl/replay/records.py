"""The records of a shard that a range depends on: kept in a file, so that they are read once.

A file is complete or missing. Which records were late is not known yet while it is written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from glue.instants import from_millis, to_millis
from glue.limits import AHEAD, CLOCKS_DIFFER
from glue.targets.flink import HEARTBEAT
from sdpctl.backfill import originals
from sdpctl.backfill.plan import Plan
from sdpctl.replay.shards import Record, Shard

_EARLIEST = -(2**62)
Place = tuple[str, str]
"""A record's shard and its sequence number."""
Late = dict[Place, int | None]
"""The late records, and the event time (epoch ms) that the job had come to; None if unknown."""


@dataclass
class Tally:
    """What was read of a shard; times are epoch milliseconds, `greatest` is of event times."""

    records: int = 0
    bytes: int = 0
    elsewhere: int = 0
    malformed: int = 0
    greatest: int = _EARLIEST
    first: int | None = None
    last: int | None = None


class Undecided(NamedTuple):
    """A record that is late unless the live job has counted it.

    `passed` is the greatest event time before it in its shard: once the live watermark has passed
    that, the job has read the record.
    """

    place: Place
    passed: int


@dataclass(frozen=True)
class ShardFile:
    """The rows of one shard: sequence number, the greatest event time before it, event time, key,
    line. `rank`: its place among the shards, parents before children."""

    folder: Path
    shard: Shard
    rank: int

    @property
    def _rows(self) -> Path:
        return self.folder / f"{self.shard.id}.rows"

    @property
    def _tally(self) -> Path:
        return self.folder / f"{self.shard.id}.json"

    @property
    def complete(self) -> bool:
        """Whether the shard was read."""
        return self._tally.exists()

    def tally(self) -> Tally:
        """What was read of it."""
        return Tally(**json.loads(self._tally.read_text()))

    def write(self, records: Iterable[Record], plan: Plan, keys: Mapping[str, str]) -> None:
        """Keep the records of the plan's times, and count the others."""
        tally = Tally()
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._rows.open("wb") as out:
            for record in records:
                out.write(_row(record, tally, plan, keys))
            out.flush()
            os.fsync(out.fileno())
        part = self._tally.with_suffix(".part")
        part.write_text(json.dumps(asdict(tally)))
        part.replace(self._tally)  # the last step: from now on the shard is read

    def rows(self) -> Iterator[tuple[Place, int, list[bytes]]]:
        """Place, greatest event time before it, and event time, key and line of each record."""
        with self._rows.open("rb") as file:
            for line in file:
                number, ahead, *rest = line.rstrip(b"\n").split(b"\t", 4)
                yield (self.shard.id, number.decode()), int(ahead), rest


def _row(record: Record, tally: Tally, plan: Plan, keys: Mapping[str, str]) -> bytes:
    tally.bytes += len(record.data)
    line = record.data.strip()
    event, occurred = originals.dated(line)
    latest = record.arrived + AHEAD + CLOCKS_DIFFER
    if event is None or occurred is None or occurred > latest:
        tally.malformed += 1
        return b""
    before, at = tally.greatest, to_millis(occurred)
    tally.greatest = max(before, at)
    if event.get("type") == HEARTBEAT:
        return b""
    if not plan.events.holds(occurred):
        tally.elsewhere += 1
        return b""
    tally.records += 1
    arrived = to_millis(record.arrived)
    tally.first = arrived if tally.first is None else min(tally.first, arrived)
    tally.last = arrived if tally.last is None else max(tally.last, arrived)
    key = originals.key_of(keys, event) or b""
    prefix = b"%s\t%d\t%d\t%s\t" % (record.sequence_number.encode(), before, at, key)
    return prefix + line.translate(originals.BLANK) + b"\n"


@dataclass(frozen=True)
class Stream:
    """The files of a stream's shards, parents first."""

    files: tuple[ShardFile, ...]

    def undecided(self, plan: Plan, delay: timedelta) -> Iterator[Undecided]:
        """The records that came after their shard had passed what settles the range."""
        settled = to_millis(plan.settled + delay)
        for file, inherited in self._with_inherited():
            for place, ahead, _ in file.rows():
                if (passed := max(ahead, inherited)) >= settled:
                    yield Undecided(place, passed)

    def _with_inherited(self) -> Iterator[tuple[ShardFile, int]]:
        """Each file with the greatest event time of the shards that it follows."""
        ends: dict[str, int] = {}
        for file in self.files:
            inherited = max((ends[name] for name in file.shard.parents), default=_EARLIEST)
            ends[file.shard.id] = max(inherited, file.tally().greatest)
            yield file, inherited

    def rows(self, plan: Plan, late: Late, counted: originals.Counted) -> Iterator[bytes]:
        """The rows of the records that were not late, for `originals.in_order`.

        Records of one key are in the order of their shards and in these: as the live job read them.
        """
        for file in self.files:
            for number, (place, _, (at, key, line)) in enumerate(file.rows()):
                if place in late:
                    order = file.rank, number
                    yield from originals.late_again(counted, plan, late[place], order, line)
                    continue
                counted.records += 1
                own = key or b"%d-%d" % (file.rank, number)  # malformed: a key of its own
                yield b"%s\t%d\t%d\t%s\t%s\n" % (at, file.rank, number, own, line)

    def count(self, counted: originals.Counted) -> None:
        """Add what was read and is in no row."""
        for tally in (file.tally() for file in self.files):
            counted.files += 1
            counted.bytes += tally.bytes
            counted.elsewhere += tally.elsewhere
            counted.malformed += tally.malformed
            for millis in filter(None, (tally.first, tally.last)):
                counted.received(from_millis(millis))
