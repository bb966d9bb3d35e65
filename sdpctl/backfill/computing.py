"""From the lake to buckets: selects objects, prepares the input, runs the job, reads its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, BinaryIO, Protocol

from glue import UseCase, instants
from glue.catalog import DEAD_LETTERS
from glue.targets.flink import HEARTBEAT
from glue.targets.lake import LakeTable, lake_tables
from sdpctl.backfill import originals
from sdpctl.backfill.comparing import Buckets, newest
from sdpctl.backfill.job import Run
from sdpctl.backfill.originals import Counted, Originals
from sdpctl.backfill.plan import HOUR, Plan, Span
from sdpctl.errors import CommandError
from sdpctl.lake import LakeObject, objects, partitions


class Progress(Protocol):
    """Shows the progress of a step; `total` is None if unknown."""

    def __call__(self, step: str, done: int, total: int | None = None) -> None:
        """The step and how much of it is done."""


@dataclass(frozen=True)
class Selection:
    """The objects of the lake that a plan needs."""

    records: list[LakeObject]
    letters: list[LakeObject]
    later: bool  # whether the lake has hours after the ones to read
    expired: datetime | None = None  # the first hour that has lost its records

    @property
    def bytes(self) -> int:
        """Their size in the lake."""
        return sum(record.size for record in self.records)


@dataclass(frozen=True)
class Computed:
    """A run's result, its input, and the seconds that the job took."""

    buckets: Buckets
    counted: Counted
    seconds: float


@dataclass(frozen=True)
class Lake:
    """A use case's part of the lake; `glue` and `s3` are boto3 clients."""

    database: str
    use_case: UseCase
    glue: Any
    s3: Any

    def select(self, plan: Plan) -> Selection:
        """The objects that the plan needs, from the registered partitions."""
        streams = self.use_case.event_streams
        events = [registered for s in streams for registered in self._objects(s, plan.arrivals)]
        letters = self.letters(plan)
        later = all(self._has_after(stream, plan.arrivals.end) for stream in streams)
        expired = (self._expired(s, plan, events) for s in streams) if plan.remembers else ()
        return Selection(events, letters, later, min(filter(None, expired), default=None))

    def letters(self, plan: Plan) -> list[LakeObject]:
        """The objects with the dead letters that can concern the plan's records."""
        return list(self._objects(DEAD_LETTERS, plan.letters))

    def _expired(self, stream: str, plan: Plan, found: list[LakeObject]) -> datetime | None:
        """The first hour, if the oldest ones have no objects any more; each has heartbeats."""
        hours = partitions(self.glue, self.database, self._table(stream).raw)
        first = min((part.start for part in hours if plan.arrivals.holds(part.start)), default=None)
        kept = min(
            (o.partition.start for o in found if self.stream_of(o) == stream),
            default=plan.arrivals.end,
        )
        # An hour may be registered before the first object is delivered, into the next one.
        return first if first is not None and kept - first > 2 * HOUR else None

    def _has_after(self, stream: str, end: datetime) -> bool:
        found = partitions(self.glue, self.database, self._table(stream).raw)
        return any(part.start >= end for part in found)

    def stream_of(self, found: LakeObject) -> str:
        """The stream of events whose original records an object has."""
        tables = (self._table(stream) for stream in self.use_case.event_streams)
        return next(table.stream for table in tables if table.raw_folder in found.key)

    def body(self, item: LakeObject) -> BinaryIO:
        """The object's uncompressed content."""
        body = self.s3.get_object(Bucket=item.bucket, Key=item.key)["Body"]
        return originals.opened(item.key, body)

    def _objects(self, stream: str, span: Span) -> Iterator[LakeObject]:
        hours = partitions(self.glue, self.database, self._table(stream).raw)
        return objects(self.s3, (part for part in hours if span.holds(part.start)))

    def _table(self, stream: str) -> LakeTable:
        return next(table for table in lake_tables(self.use_case) if table.stream == stream)


def compute(lake: Lake, plan: Plan, chosen: Selection, run: Run, progress: Progress) -> Computed:
    """Compute the plan's buckets in the run's folder. Raises CommandError

    if there are no records, if the lake does not have all of them yet, or any more, or if the job
    fails.
    """
    require_remembered(plan, chosen.expired)
    counted = _prepare(lake, plan, chosen, run, progress)
    require_delivered(plan, counted, later=chosen.later)
    return finish(lake.use_case, plan, counted, run, progress)


def finish(
    use_case: UseCase, plan: Plan, counted: Counted, run: Run, progress: Progress
) -> Computed:
    """Run the job over the input that is in the run's folder. Raises CommandError if it fails."""
    seconds = run.finish(lambda read: progress("computing", read, counted.records))
    progress("computing", counted.records, counted.records)
    streams = dict.fromkeys(report.stream for report in use_case.reports)
    rows = (row for stream in streams for row in run.results(stream))
    return Computed(newest(use_case, rows, plan.buckets), counted, seconds)


def count_records(use_case: UseCase, plan: Plan) -> str:
    """The query that counts the plan's original records in the lake."""
    tables = [t for t in lake_tables(use_case) if t.stream in use_case.event_streams]
    counts = " + ".join(f"({_count(table.raw, plan)})" for table in tables)
    return f"SELECT {counts} AS records"


def _count(table: str, plan: Plan) -> str:
    hours = (f"{moment:'%Y-%m-%d-%H'}" for moment in (plan.arrivals.start, plan.arrivals.end))
    events = (
        f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}'" for moment in (plan.events.start, plan.events.end)
    )
    return (
        f"SELECT count(*) FROM {table} WHERE \"type\" <> '{HEARTBEAT}'"
        ' AND "date" || \'-\' || "hour" >= {} AND "date" || \'-\' || "hour" < {}'.format(*hours)
        + " AND occurred_at >= {} AND occurred_at < {}".format(*events)
    )


def require_remembered(plan: Plan, expired: datetime | None) -> None:
    """Raise CommandError if records that the operators would remember have expired."""
    if expired is not None:
        raise CommandError(
            f"--from {instants.to_wire(plan.buckets.start)}: what is found depends on all earlier "
            "records of a key (its balance, its mean, its profile), and the original records from "
            f"{instants.to_wire(expired)} on have expired: a backfill would give other numbers. "
            "For later ranges deploy with lakeRawDays=forever."
        )


def require_delivered(plan: Plan, counted: Counted, *, later: bool) -> None:
    """Raise CommandError unless the lake has all records that the range depends on.

    Heartbeats are delivered like every record: a late enough one proves that the others arrived.
    """
    beat = counted.newest_heartbeat
    if not later and (beat is None or beat < plan.settled):
        state = "no heartbeat" if beat is None else f"no heartbeat after {instants.to_wire(beat)}"
        raise CommandError(
            f"the lake has {state}, but needs one of {instants.to_wire(plan.settled)}: records "
            "of the range may not be delivered yet. Try again in a few minutes."
        )
    if not counted.records:
        raise CommandError(f"the lake has no original records of {plan.events}")


def _prepare(lake: Lake, plan: Plan, chosen: Selection, run: Run, progress: Progress) -> Counted:
    late = originals.late_records(_bodies(lake, chosen.letters, "dead letters", progress))
    collected, numbers = Originals(plan, keys(lake.use_case), late), count(1)
    beats: list[datetime | None] = []
    run.folder.mkdir(parents=True, exist_ok=True)
    for stream in lake.use_case.event_streams:
        rows = (
            row
            for item in chosen.records
            if lake.stream_of(item) == stream
            for row in _seen(collected.rows(item, lake.body(item)), next(numbers), chosen, progress)
        )
        unsorted = run.folder / "records"
        originals.write(rows, unsorted)
        source = run.source(stream)
        source.mkdir(parents=True)
        progress("sorting", 0)
        originals.in_order(unsorted, source / "records.json.gz", plan.lateness)
        unsorted.unlink()
        beats.append(collected.counted.newest_heartbeat)
        collected.counted.newest_heartbeat = None
    # What is behind in one stream is behind in all.
    collected.counted.newest_heartbeat = min(filter(None, beats)) if all(beats) else None
    return collected.counted


def keys(use_case: UseCase) -> dict[str, str]:
    """The name of the key by an event's type."""
    return {name: e.key for e in use_case.events for name in (e.type, *e.aliases)}


def _seen(
    rows: Iterable[bytes], number: int, chosen: Selection, progress: Progress
) -> Iterator[bytes]:
    yield from rows
    progress("reading the lake", number, len(chosen.records))


def _bodies(
    lake: Lake, items: list[LakeObject], step: str, progress: Progress
) -> Iterator[BinaryIO]:
    for number, one in enumerate(items, 1):
        yield lake.body(one)
        progress(step, number, len(items))
