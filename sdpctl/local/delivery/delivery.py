"""One delivery stream: reads all shards to their tips and puts what is there, a batch at a time.

At least once, and the repeat of a batch overwrites its own objects; see journal.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sdpctl.local.delivery.batches import Record, S3Object, Span, identity, objects
from sdpctl.local.delivery.conversion import Layout
from sdpctl.local.delivery.journal import Journal
from sdpctl.local.delivery.kinesis import THROTTLED, KinesisError, Page
from sdpctl.local.delivery.streams import DeliveryStream

READ_EVERY = 1.0  # seconds between two reads of a shard, as Firehose reads
PAGE = 2_000  # records: the emulator answers nobody else while it makes a page
LARGE_PAGE = 10_000
FAR_BEHIND = 10.0  # seconds: from here on, catching up matters more

Batch = dict[str, list[Record]]  # by shard


class Source(Protocol):
    """Kinesis, as it is used here."""

    def shards(self, stream: str) -> list[str]: ...
    def at_time(self, stream: str, shard: str, since: datetime) -> str: ...
    def at(self, stream: str, shard: str, number: str) -> str: ...
    def after(self, stream: str, shard: str, number: str) -> str: ...
    def page(self, iterator: str, limit: int) -> Page: ...


class Store(Protocol):
    """S3, as it is used here."""

    def put(self, made: S3Object) -> None:
        """Store the object, or raise."""


@dataclass
class Progress:
    """What was delivered since the worker started; all that arrived before `through` is."""

    records: int = 0
    rejected: int = 0
    objects: int = 0
    through: float | None = None  # epoch seconds


@dataclass
class Delivery:
    """Delivers one stream; `now` is the time, `pause` waits for some seconds."""

    source: Source
    store: Store
    journal: Journal
    now: Callable[[], datetime]
    progress: Progress = field(default_factory=Progress)
    pause: Callable[[float], object] = time.sleep
    _read_at: dict[str, datetime] = field(default_factory=dict)
    _iterators: dict[str, str | None] = field(default_factory=dict)
    _behind: dict[str, float] = field(default_factory=dict)

    def run(self, stream: DeliveryStream, layout: Layout) -> bool:
        """Deliver a batch, of all there is if that fits; whether it was all.

        Whatever is raised, the next run begins where it must.
        """
        try:
            if self.journal.begun:
                self._put(stream, layout, self._again(stream))
            return self._deliver(stream, layout)
        except BaseException:
            self._iterators.clear()
            raise

    def _deliver(self, stream: DeliveryStream, layout: Layout) -> bool:
        """Deliver one batch; whether it reached the tip of every shard."""
        began = self.now().timestamp()
        batch, behind = self._gather(stream)
        if batch:
            self.journal.begin({s: _span(records) for s, records in batch.items()})
            self._put(stream, layout, batch)
        self.progress.through = min([began, *behind])
        return not behind

    def _put(self, stream: DeliveryStream, layout: Layout, batch: Batch) -> None:
        """Put the objects of the batch that the journal has begun, then commit it."""
        records = [record for shard in sorted(batch) for record in batch[shard]]
        if records:
            id_ = identity(stream, self.journal.begun)
            made, rejected = objects(stream, layout, records, id_, self.now())
            for one in made:
                self.store.put(one)
            self.progress.records += len(records)
            self.progress.rejected += rejected
            self.progress.objects += len(made)
        self.journal.commit()

    def _gather(self, stream: DeliveryStream) -> tuple[Batch, list[float]]:
        """Up to the size of a buffer or its time, page by page from all shards in turn.

        And of each shard that has more: when the last record that was taken arrived.
        """
        batch: Batch = {}
        unread, remaining = self.source.shards(stream.stream), stream.size
        until = self.now() + timedelta(seconds=max(1.0, stream.interval))
        while unread and remaining > 0 and self.now() < until:
            for shard in list(unread):
                page = self._page(stream, shard)
                batch.setdefault(shard, []).extend(page.records)
                remaining -= sum(len(r.data) for r in page.records)
                if page.following is None or not page.behind:
                    unread.remove(shard)
        taken = {shard: records for shard, records in batch.items() if records}
        return taken, [taken[shard][-1].arrival for shard in unread if shard in taken]

    def _page(self, stream: DeliveryStream, shard: str) -> Page:
        iterator = (
            self._iterators[shard] if shard in self._iterators else self._start(stream, shard)
        )
        if iterator is None:
            return Page([], None, 0)
        far = self._behind.get(shard, 0.0) > FAR_BEHIND
        page = self._read(shard, iterator, LARGE_PAGE if far else PAGE)
        self._iterators[shard], self._behind[shard] = page.following, page.behind
        return page

    def _read(self, shard: str, iterator: str, limit: int) -> Page:
        """A page when it is the shard's turn; an empty one if the shard serves too many."""
        if shard in self._read_at:
            passed = (self.now() - self._read_at[shard]).total_seconds()
            if 0 <= passed < READ_EVERY:  # below: the clock has gone back, by who knows how much
                self.pause(READ_EVERY - passed)
        self._read_at[shard] = self.now()
        try:
            return self.source.page(iterator, limit)
        except KinesisError as error:
            if error.code != THROTTLED:
                raise
            return Page([], iterator, max(READ_EVERY, self._behind.get(shard, 0.0)))

    def _start(self, stream: DeliveryStream, shard: str) -> str:
        if shard in self.journal.positions:
            return self.source.after(stream.stream, shard, self.journal.positions[shard])
        return self.source.at_time(stream.stream, shard, stream.since)

    def _again(self, stream: DeliveryStream) -> Batch:
        """The records of the batch that was begun and, for all we know, not finished."""
        there = set(self.source.shards(stream.stream))
        begun = {s: span for s, span in self.journal.begun.items() if s in there}
        return {s: self._between(stream, s, span) for s, span in begun.items()}

    def _between(self, stream: DeliveryStream, shard: str, span: Span) -> list[Record]:
        iterator: str | None = self.source.at(stream.stream, shard, span.first)
        records = list[Record]()
        while iterator and (not records or _number(records[-1]) < int(span.last)):
            page = self._read(shard, iterator, LARGE_PAGE)
            records += page.records
            iterator = page.following
            if not page.records and not page.behind:
                break
        return [r for r in records if _number(r) <= int(span.last)]


def _span(records: list[Record]) -> Span:
    return Span(records[0].sequence_number, records[-1].sequence_number)


def _number(record: Record) -> int:
    return int(record.sequence_number)
