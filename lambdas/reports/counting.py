"""Adds up buckets into totals and into rows of calendar periods. Time and zones are passed in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from glue import Schema
from glue.instants import EPOCH
from glue.targets import dynamodb
from lambdas.reports.calendar import Calendar
from lambdas.reports.questions import END
from lambdas.reports.store import Store

# The range of a bucket's start, epoch seconds: the bounds of every query.
ALWAYS = (0, END)


@dataclass(frozen=True)
class Buckets:
    """The stored buckets of one key of one report, read as they are consumed."""

    store: Store
    table: str
    report: Schema
    key: Any

    def between(self, low: int, high: int, *, descending: bool = False) -> Iterator[dict[str, Any]]:
        """Rows of the report whose bucket starts in [low, high), epoch seconds."""
        if low >= high:
            return
        column = self.report.column(self.report.key)
        key = (column.name, dynamodb.attribute(column.type, self.key))
        bounds = (self.report.period, low, high - 1)
        for item in self.store.items(self.table, key, bounds, descending=descending):
            yield dynamodb.row(self.report, item)

    def sums(self, low: int, high: int) -> tuple[dict[str, int], bool]:
        """The sums over the buckets in [low, high), and whether the key has any bucket at all."""
        if (low, high) == ALWAYS and (total := self.total()) is not None:
            return total, True
        measures, count = totals(self.report, self.between(low, high))
        return measures, bool(count) or self.exist()

    def total(self) -> dict[str, int] | None:
        """The running total, which always equals the sum of all buckets.

        None for a key that was last written before totals existed.
        """
        item = self.store.get(self.table, dynamodb.total_key(self.report, self.key))
        if item is None:
            return None
        values = {m.name: (m.type, item.get(m.name)) for m in self.report.measures}
        # Items written before a measure was added to the report lack it.
        return {
            name: dynamodb.value(kind, held) if held else 0 for name, (kind, held) in values.items()
        }

    def exist(self) -> bool:
        """Whether the key has any bucket."""
        return next(self.between(*ALWAYS), None) is not None


@dataclass
class Row:
    """A period, and the sums over its buckets."""

    start: datetime
    end: datetime
    measures: dict[str, int] = field(default_factory=dict)

    def add(self, bucket: dict[str, Any]) -> None:
        """Add a bucket; one written before a measure was added counts 0 for it."""
        for name in self.measures:
            self.measures[name] += bucket.get(name, 0)


def totals(report: Schema, buckets: Iterable[dict[str, Any]]) -> tuple[dict[str, int], int]:
    """The sums over all buckets, and their number."""
    row, count = Row(EPOCH, EPOCH, _zero(report)), 0
    for bucket in buckets:
        row.add(bucket)
        count += 1
    return row.measures, count


def rows(report: Schema, buckets: Iterable[dict[str, Any]], calendar: Calendar) -> Iterator[Row]:
    """A row for each period with buckets, in the order of the buckets.

    A bucket belongs to the period that contains its start.
    """
    row: Row | None = None
    for bucket in buckets:
        at = moment(bucket[report.period])
        if row is None or not row.start <= at < row.end:
            if row is not None:
                yield row
            row = Row(*calendar.period(at), _zero(report))
        row.add(bucket)
    if row is not None:
        yield row


def _zero(report: Schema) -> dict[str, int]:
    return dict.fromkeys((measure.name for measure in report.measures), 0)


def moment(second: int) -> datetime:
    """The instant of that epoch second."""
    return EPOCH + timedelta(seconds=second)
