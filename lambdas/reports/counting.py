"""Adds up buckets into totals and into rows of calendar periods. Time and zones are passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import Any, assert_never

from glue import Column, Double, Schema
from glue.instants import EPOCH
from glue.targets import dynamodb
from glue.types import Fold
from lambdas.ports.report_store import ReportStore
from lambdas.reports.calendar import Calendar
from lambdas.reports.questions import END

# The range of a bucket's start, epoch seconds: the bounds of every query.
ALWAYS = (0, END)

Measures = dict[str, Any]  # by name: int, float, or of a latest value also str, bool and None
_DIGITS = Context(prec=38)
_EXTREMES: dict[Fold, Callable[..., Any]] = {Fold.MINIMUM: min, Fold.MAXIMUM: max}


@dataclass(frozen=True)
class Buckets:
    """The stored buckets of one key of one report, read as they are consumed."""

    store: ReportStore
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
            if dynamodb.has_records(item):
                yield dynamodb.row(self.report, item)

    def sums(self, low: int, high: int) -> tuple[Measures, bool]:
        """The measures over the buckets in [low, high), and whether the key has any bucket."""
        if (low, high) == ALWAYS and (total := self.total()) is not None:
            return total, any(total.values()) or self.exist()
        measures, count = totals(self.report, self.between(low, high))
        return measures, bool(count) or self.exist()

    def total(self) -> Measures | None:
        """The running total, which always equals that of all buckets.

        None for a key that was last written before totals existed, or latest values, or extremes.
        """
        item = self.store.get(self.table, dynamodb.total_key(self.report, self.key))
        if item is None or (self.report.latest and dynamodb.NEWEST not in item):
            return None
        if any(m.name not in item for m in self.report.measures if m.fold in _EXTREMES):
            return None
        # Items written before a measure was added to the report lack it.
        return {
            m.name: dynamodb.value(m.type, item[m.name]) if m.name in item else _nothing(m)
            for m in self.report.measures
        }

    def exist(self) -> bool:
        """Whether the key has any bucket."""
        return next(self.between(*ALWAYS), None) is not None


class Sums:
    """The measures over some buckets of a report, added in any order.

    Decimals are added as decimals, with as many digits as the running total has.
    """

    def __init__(self, report: Schema) -> None:
        self._report = report
        self._sums: dict[str, int | Decimal] = dict.fromkeys((c.name for c in report.sums), 0)
        self._newest: dict[str, Any] = {}
        self._extremes = {m.name: m for m in report.measures if m.fold in _EXTREMES}
        self._extreme: dict[str, Any] = {}

    def add(self, bucket: dict[str, Any]) -> None:
        """Add a bucket; one written before a measure was added counts 0 for it."""
        for name, held in self._sums.items():
            value = bucket.get(name, 0)
            if isinstance(value, float):
                self._sums[name] = _DIGITS.add(Decimal(held), Decimal(repr(value)))
            else:
                self._sums[name] = held + value
        for name, measure in self._extremes.items():
            if name in bucket:
                held = self._extreme.get(name, bucket[name])
                self._extreme[name] = _EXTREMES[measure.fold](held, bucket[name])
        period = self._report.period
        if bucket[period] >= self._newest.get(period, bucket[period]):
            self._newest = bucket

    @property
    def measures(self) -> Measures:
        """By name, in declared order; None where there is no latest value or extreme."""
        return {m.name: self._measure(m) for m in self._report.measures}

    def _measure(self, measure: Column) -> Any:
        match measure.fold:
            case Fold.SUM:
                return _plain(measure, self._sums[measure.name])
            case Fold.LATEST:
                return self._newest.get(measure.name)
            case Fold.MINIMUM | Fold.MAXIMUM:
                return self._extreme.get(measure.name)
        assert_never(measure.fold)


def _plain(measure: Column, value: int | Decimal) -> int | float:
    return float(value) if isinstance(measure.type, Double) else int(value)


def _nothing(measure: Column) -> int | float | None:
    return _plain(measure, 0) if measure.fold is Fold.SUM else None


@dataclass
class Row:
    """A period, and what is over its buckets."""

    start: datetime
    end: datetime
    sums: Sums

    @property
    def measures(self) -> Measures:
        """The measures of the period."""
        return self.sums.measures


def totals(report: Schema, buckets: Iterable[dict[str, Any]]) -> tuple[Measures, int]:
    """The measures over all buckets, and how many there are."""
    sums, count = Sums(report), 0
    for bucket in buckets:
        sums.add(bucket)
        count += 1
    return sums.measures, count


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
            row = Row(*calendar.period(at), Sums(report))
        row.sums.add(bucket)
    if row is not None:
        yield row


def moment(second: int) -> datetime:
    """The instant of that epoch second."""
    return EPOCH + timedelta(seconds=second)
