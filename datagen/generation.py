"""Generated events and their truth: the exact expected counts.

In memory that does not grow with the number of events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, assert_never

from datagen.occurrences import ClosingGenerator, Event, Generator, Occurrence, Settings
from datagen.sending import disturbed
from glue.catalog import UseCase
from glue.instants import from_millis, to_wire
from glue.schema import Schema
from glue.types import Fold


@dataclass
class Generation:
    """One run: iterate it once for the events as sent, then ask for the truth."""

    use_case: UseCase
    generator: Generator
    settings: Settings
    _matched: Counter[str] = field(default_factory=Counter)
    _duplicate: Counter[str] = field(default_factory=Counter)
    _late: Counter[str] = field(default_factory=Counter)
    _unmatched: Counter[str] = field(default_factory=Counter)
    _refused: dict[str, Counter[str]] = field(default_factory=dict)
    _rows: dict[str, list[Event]] = field(default_factory=dict)
    _distinct: int = 0
    _buckets: dict[tuple[str, int | str, int], list[Any]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Event]:
        """The events in the order of sending: repeated and shuffled, with their types."""
        return disturbed(self._counted(), self.settings, self._repeat)

    def closing(self, delay: timedelta) -> list[Event]:
        """Events behind all others, with which all that is in the truth is there.

        None where it is by itself. `delay` is WatermarkDelay.
        """
        if not isinstance(self.generator, ClosingGenerator):
            return []
        keys = dict.fromkeys(key for _, key, _ in self._buckets)
        end = self.settings.start + self.settings.span
        return list(self.generator.closing(map(str, keys), end, delay))

    def truth(self) -> dict[str, Any]:
        """Exact outcomes per event type, dead letters per reason, reports in total and per bucket.

        What is unmatched becomes a dead letter when its key closes. `records` are the rows of
        records that the generator foresees, by stream.
        """
        reports = self.use_case.reports
        uncounted = {
            "duplicate": self._duplicate,
            "late": self._late,
            "unmatched": self._unmatched,
            **self._refused,
        }
        dead_letters = {reason: sum(counts.values()) for reason, counts in uncounted.items()}
        return {
            "use_case": self.use_case.name,
            "start": to_wire(self.settings.start),
            "end": to_wire(self.settings.start + self.settings.span),
            "seed": self.settings.seed,
            "distinct": self._distinct,
            "sent": sum(self._matched.values()) + sum(dead_letters.values()),
            "outcomes": {e.type: self._outcomes(e.type) for e in self.use_case.events},
            "dead_letters": dead_letters,
            "reports": {r.path: self._totals(r) for r in reports},
            "periods": {r.path: self._periods(r) for r in reports},
            **({"records": self._rows} if self._rows else {}),
        }

    def _counted(self) -> Iterator[Occurrence]:
        matched, late, unmatched = self._matched, self._late, self._unmatched
        buckets = self._buckets
        width = round(self.settings.period.total_seconds())
        folds = _folds(self.use_case.reports)
        for occurrence in self.generator.occurrences(self.settings):
            kind = occurrence.event["type"]
            self._distinct += 1
            if occurrence.late:
                late[kind] += 1
            elif occurrence.unmatched:
                unmatched[kind] += 1
            elif occurrence.refused:
                self._refused.setdefault(occurrence.refused, Counter())[kind] += 1
            else:
                matched[kind] += 1
                second = occurrence.at // 1000
                for path, key, numbers in occurrence.contributions:
                    bucket = (path, key, second - second % width)
                    sums = buckets.get(bucket)
                    if sums is None:
                        buckets[bucket] = list(numbers)
                    else:
                        _count(sums, numbers, folds.get(path, ()))
            if occurrence.rows or occurrence.later:
                self._add_later(occurrence, width, folds)
            yield occurrence

    def _add_later(
        self, occurrence: Occurrence, width: int, folds: dict[str, tuple[Fold, ...]]
    ) -> None:
        """Adds what follows from an event, whatever became of the event itself."""
        for stream, row in occurrence.rows:
            self._rows.setdefault(stream, []).append(row)
        for at, (path, key, numbers) in occurrence.later:
            second = at // 1000
            bucket = (path, key, second - second % width)
            if bucket in self._buckets:
                _count(self._buckets[bucket], numbers, folds.get(path, ()))
            else:
                self._buckets[bucket] = list(numbers)

    def _repeat(self, occurrence: Occurrence) -> None:
        """A copy is one more duplicate; one of a refused event is refused like it."""
        if occurrence.late:
            counter = self._late
        elif occurrence.refused:
            counter = self._refused[occurrence.refused]
        else:
            counter = self._matched if occurrence.idempotent else self._duplicate
        counter[occurrence.event["type"]] += 1

    def _outcomes(self, kind: str) -> dict[str, int]:
        return {
            "matched": self._matched[kind],
            "duplicate": self._duplicate[kind],
            "late": self._late[kind],
            "unmatched": self._unmatched[kind],
            **{reason: counts[kind] for reason, counts in self._refused.items()},
        }

    def _totals(self, report: Schema) -> dict[str, dict[str, Any]]:
        totals: dict[int | str, list[Any]] = {}
        folds = _folds((report,)).get(report.path, ())
        for (path, key, _), numbers in sorted(self._buckets.items(), key=lambda b: b[0][2]):
            if path == report.path:
                if key in totals:
                    _count(totals[key], numbers, folds)
                else:
                    totals[key] = list(numbers)
        return {str(key): _row(report, key, totals[key]) for key in sorted(totals, key=str)}

    def _periods(self, report: Schema) -> list[dict[str, Any]]:
        return [
            {report.period: start, "period_start": to_wire(from_millis(start * 1000))}
            | _row(report, key, self._buckets[path, key, start])
            for path, key, start in sorted(self._buckets, key=str)
            if path == report.path
        ]


def combined(report: Schema, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The measures of rows of one key, in the order of their time, as those of one row."""
    names = [column.name for column in report.measures]
    folds = _folds((report,)).get(report.path, ())
    first, *others = ([row[name] for name in names] for row in rows)
    for other in others:
        _count(first, other, folds)
    return dict(zip(names, first, strict=True))


def _folds(reports: Iterable[Schema]) -> dict[str, tuple[Fold, ...]]:
    """By report path, what becomes of each of its measures; only where not all are added up."""
    found = {r.path: tuple(m.fold for m in r.measures) for r in reports}
    return {path: folds for path, folds in found.items() if set(folds) != {Fold.SUM}}


def _count(held: list[Any], numbers: Iterable[Any], folds: tuple[Fold, ...]) -> None:
    """Add to what is held; without `folds` all are sums."""
    if not folds:
        for index, number in enumerate(numbers):
            held[index] += number
        return
    for index, (number, fold) in enumerate(zip(numbers, folds, strict=True)):
        held[index] = _folded(fold, held[index], number)


def _folded(fold: Fold, held: Any, number: Any) -> Any:
    match fold:
        case Fold.SUM:
            return held + number
        case Fold.LATEST:
            return number
        case Fold.MINIMUM:
            return min(held, number)
        case Fold.MAXIMUM:
            return max(held, number)
    assert_never(fold)


def _row(report: Schema, key: int | str, numbers: Iterable[Any]) -> dict[str, Any]:
    measures = (column.name for column in report.measures)
    plain = (float(n) if isinstance(n, Decimal) else n for n in numbers)
    return {report.key: key, **dict(zip(measures, plain, strict=True))}
