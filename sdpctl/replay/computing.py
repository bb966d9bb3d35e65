"""From the retained streams to buckets: reads the shards, prepares the input, runs the job.

A record counts if the live job counted it: all that had reached the stream before the progress of
the job settled the range, except what has a dead letter as late. So a replay decides nothing by the
speed of its own reading, and what arrives while it runs is late for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

from glue import UseCase
from glue.catalog import DEAD_LETTERS, PROGRESS
from glue.instants import EPOCH, from_millis, to_wire
from glue.limits import AHEAD, CLOCKS_DIFFER
from glue.parameters import Parameters
from infra.topology import Topology
from sdpctl.backfill import originals
from sdpctl.backfill.computing import Computed, Lake, Progress, finish, keys
from sdpctl.backfill.job import Run
from sdpctl.backfill.originals import Counted
from sdpctl.backfill.plan import SLACK, Plan
from sdpctl.clock import now, pause
from sdpctl.errors import CommandError
from sdpctl.replay.letters import late
from sdpctl.replay.passage import Passage
from sdpctl.replay.records import Late, ShardFile, Stream, Undecided
from sdpctl.replay.shards import Reader, Record, Retained, Shard, retained, shards

READERS = 10  # shards that are read at once: a client has that many connections
WAIT_SECONDS, POLL_SECONDS = 900.0, 3.0
_RECREATED = timedelta(hours=1)


class NoRecordsError(CommandError):
    """The streams have no record that the range depends on."""


class _Ended(Exception):
    """The command ends: reading stops at the next pause."""


@dataclass(frozen=True)
class Source:
    """A use case's streams; `kinesis` is a boto3 client. `lake` has dead letters that expired."""

    topology: Topology
    use_case: UseCase
    kinesis: Any
    lake: Lake
    parameters: Parameters
    clock: Callable[[], datetime] = now
    pause: Callable[[float], None] = pause

    def require_retained(self, plan: Plan, tables_since: datetime) -> None:
        """Raise CommandError if records that the range depends on may have expired.

        Also where the tables are older than the stream: then there was another one before.
        """
        start = first_arrival(plan)
        for stream in self.use_case.event_streams:
            oldest = _oldest(self._retained(stream), tables_since)
            if oldest is not None and start < oldest:
                reason = _forgotten if plan.remembers else _expired
                raise CommandError(reason(plan, self.parameters, self._name(stream), oldest))

    def end(self, plan: Plan) -> datetime:
        """The time of arrival from which on records of the range were late for certain."""
        kept, passage = self._retained(PROGRESS), self._passage(plan)
        found = None
        if kept.created >= kept.since or passage.since >= kept.since:
            found = passage.reached(plan.settled)
        if found is None:  # no longer known: as a backfill has it
            found = plan.settled + self.parameters.watermark_delay + SLACK
        return min(found + CLOCKS_DIFFER, self.clock())

    def compute(
        self, plan: Plan, end: datetime, folder: Path, run: Run, progress: Progress
    ) -> Computed:
        """The buckets of the plan. `folder` keeps the records that were read, for the next try.

        Raises CommandError if there are no records, if the job fails, or if the live job does not
        read what it must have read.
        """
        streams = {
            stream: self._read(stream, plan, end, folder / stream, progress)
            for stream in self.use_case.event_streams
        }
        undecided = [
            record
            for stream in streams.values()
            for record in stream.undecided(plan, self.parameters.watermark_delay)
        ]
        refused = self._late(plan, undecided, progress)
        counted = Counted()
        for name, stream in streams.items():
            _prepare(stream, refused, run.source(name), plan, counted, progress)
        if not counted.records:
            raise NoRecordsError(
                f"the streams have no records {plan.depends_on}: choose a range in which events "
                "were sent; ./sdp report shows when"
            )
        return finish(self.use_case, plan, counted, run, progress)

    def _read(
        self, stream: str, plan: Plan, end: datetime, folder: Path, progress: Progress
    ) -> Stream:
        listed = shards(self.kinesis, self._name(stream))
        files = tuple(ShardFile(folder, shard, rank) for rank, shard in enumerate(listed))
        names, created = keys(self.use_case), self._retained(stream).created - CLOCKS_DIFFER
        start = max(first_arrival(plan), created)

        def keep(file: ShardFile, records: Iterator[Record]) -> None:
            file.write(records, plan, names)

        todo = {file.shard: file for file in files if not file.complete}
        self._each(
            stream,
            list(todo),
            (start, end),
            lambda shard, records: keep(todo[shard], records),
            progress,
        )
        return Stream(files)

    def _late(self, plan: Plan, undecided: list[Undecided], progress: Progress) -> Late:
        """The records that the live job judged late.

        Waits until it has read all that are undecided: at most 15 minutes.
        """
        refused = self._expired_letters(plan, progress)
        passed = max((record.passed for record in undecided), default=None)
        target, passage = plan.settled, self._passage(plan)
        if passed is not None:
            # The live job has read the record once its watermark is behind what came before it.
            beyond = from_millis(passed + 1) - self.parameters.watermark_delay
            target = max(target, beyond)
        until = passage.reached(target)
        refused |= self._letters(plan, until, progress)
        if until is None and any(record.place not in refused for record in undecided):
            until = self._await(passage, target, progress)
            refused |= self._letters(plan, until, progress)
        return refused

    def _await(self, passage: Passage, watermark: datetime, progress: Progress) -> datetime:
        waited = 0.0
        while (found := passage.reached(watermark)) is None:
            if waited >= WAIT_SECONDS:
                raise CommandError(
                    f"after {WAIT_SECONDS:.0f} s the live job has not come to "
                    f"{to_wire(watermark)}, so it is not known which of the last records are late. "
                    "See ./sdp status, and run the command again: it goes on where it was."
                )
            progress("waiting for the live job", int(waited), int(WAIT_SECONDS))
            self.pause(POLL_SECONDS)
            waited += POLL_SECONDS
        return found

    def _letters(self, plan: Plan, until: datetime | None, progress: Progress) -> Late:
        """From the stream: those of letters that arrived until then, by default until now."""
        end = self.clock() if until is None else min(until + CLOCKS_DIFFER, self.clock())
        found: Late = {}

        def keep(_: Shard, records: Iterator[Record]) -> None:
            found.update(late(record.data for record in records))

        listed = shards(self.kinesis, self._name(DEAD_LETTERS))
        self._each(DEAD_LETTERS, listed, (first_arrival(plan), end), keep, progress)
        return found

    def _expired_letters(self, plan: Plan, progress: Progress) -> Late:
        """From the lake: those of letters that the stream may no longer have."""
        kept = self._retained(DEAD_LETTERS)
        if kept.created >= kept.since or first_arrival(plan) >= kept.since:
            return {}
        items = self.lake.letters(plan)
        found: Late = {}
        for number, item in enumerate(items, 1):
            found |= late(originals.lines(self.lake.body(item)))
            progress("dead letters", number, len(items))
        return found

    def _each(
        self,
        stream: str,
        chosen: list[Shard],
        arrived: tuple[datetime, datetime],
        keep: Callable[[Shard, Iterator[Record]], None],
        progress: Progress,
    ) -> None:
        """Read several shards at once; if one fails, or the command ends, the others end too."""
        ending, done = Event(), dict.fromkeys((shard.id for shard in chosen), 0)
        reader = Reader(self.kinesis, self._name(stream), _until(ending))

        def one(shard: Shard) -> None:
            keep(shard, _seen(reader.read(shard, *arrived), shard.id, done, arrived))
            done[shard.id] = 100

        with ThreadPoolExecutor(READERS) as pool:
            futures = [pool.submit(one, shard) for shard in chosen]
            try:
                _watch(futures, lambda: progress(f"reading {stream}", *_sum(done)))
            finally:
                ending.set()
                pool.shutdown(cancel_futures=True)

    def _passage(self, plan: Plan) -> Passage:
        since = plan.settled - AHEAD - CLOCKS_DIFFER
        return Passage(self.kinesis, self._name(PROGRESS), self.use_case.name, since)

    def _retained(self, stream: str) -> Retained:
        return retained(self.kinesis, self._name(stream), self.clock())

    def _name(self, stream: str) -> str:
        key = f"{self.use_case.name}/{stream}"
        return next(one.name for one in self.topology.streams if one.key == key)


def first_arrival(plan: Plan) -> datetime:
    """The earliest time at which a record of the plan's times can have arrived."""
    return max(EPOCH, plan.events.start - AHEAD - CLOCKS_DIFFER)


def _oldest(kept: Retained, tables_since: datetime) -> datetime | None:
    """Since when a stream has all records; None if it never had others."""
    if kept.created < kept.since:
        return kept.since
    return kept.created if tables_since < kept.created - _RECREATED else None


def _expired(plan: Plan, parameters: Parameters, stream: str, oldest: datetime) -> str:
    """`start` of the buckets moves with the first arrival."""
    period = parameters.aggregation_period
    earliest = oldest + (plan.buckets.start - first_arrival(plan))
    earliest = EPOCH - (EPOCH - earliest) // period * period  # rounded up
    return (
        f"--from {to_wire(plan.buckets.start)}: the range depends on records that arrived from "
        f"{to_wire(first_arrival(plan))} on, and {stream} has those since {to_wire(oldest)}. The "
        f"earliest possible is --from {to_wire(earliest)}; for an earlier one use ./sdp backfill, "
        "which reads the lake."
    )


def _forgotten(plan: Plan, _: Parameters, stream: str, oldest: datetime) -> str:
    return (
        f"--from {to_wire(plan.buckets.start)}: what is found depends on all earlier records of a "
        f"key (its balance, its mean, its profile), and {stream} has records since "
        f"{to_wire(oldest)} only: a replay would give other numbers. Use ./sdp backfill, which "
        "reads the lake. For later ranges raise streamRetentionHours (8,760 at most): a replay "
        "needs a stream of which nothing has expired."
    )


def _prepare(
    stream: Stream,
    refused: Late,
    source: Path,
    plan: Plan,
    counted: Counted,
    progress: Progress,
) -> None:
    """Write a stream's records into the input folder of the job, in order."""
    source.mkdir(parents=True)
    unsorted = source.parent / f"{source.name}.unsorted"
    originals.write(stream.rows(plan, refused, counted), unsorted)
    stream.count(counted)
    progress("sorting", 0)
    originals.in_order(unsorted, source / "records.json.gz", plan.lateness)
    unsorted.unlink()


def _until(ending: Event) -> Callable[[float], None]:
    def wait_for(seconds: float) -> None:
        if ending.wait(seconds):
            raise _Ended

    return wait_for


def _seen(
    records: Iterable[Record],
    shard: str,
    done: dict[str, int],
    arrived: tuple[datetime, datetime],
) -> Iterator[Record]:
    """The records; notes how many hundredths of the time they have come through."""
    start, end = arrived
    for number, record in enumerate(records):
        if number % 500 == 0:
            done[shard] = min(99, int(100 * ((record.arrived - start) / (end - start))))
        yield record


def _sum(done: dict[str, int]) -> tuple[int, int]:
    return sum(done.values()), 100 * len(done)


def _watch(futures: list[Future[None]], report: Callable[[], None]) -> None:
    """Until all are done. Raises what the first one raises that fails."""
    left = set(futures)
    while left:
        done, left = wait(left, timeout=0.3, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        report()
