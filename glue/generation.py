"""Made-up events with a known truth: what a use case's `generator.py` builds on.

A use case yields `Occurrence`s: distinct events in the order of event time, each with what it
adds to the reports. This module repeats and shuffles them and keeps the exact expected counts,
in memory that does not grow with the number of events. It never reads a clock.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple, Protocol

from glue.catalog import UseCase
from glue.errors import ParameterError
from glue.instants import from_millis, to_millis, to_wire
from glue.schema import Schema

Event = dict[str, Any]
# Report path, key, and for each measure what is added, or the latest value.
Contribution = tuple[str, int | str, tuple[Any, ...]]
REPEAT_WITHIN = timedelta(seconds=1)


class Occurrence(NamedTuple):
    """One distinct event: when it is sent (epoch ms), and what it adds to the reports.

    A late one is sent at `at` but carries an `occurred_at` long before, and adds nothing. Nor does
    one that is unmatched: the earlier events of its key are never sent.
    """

    at: int
    event: Event
    contributions: tuple[Contribution, ...]
    late: bool = False
    unmatched: bool = False


@dataclass(frozen=True)
class Settings:
    """What to generate. The same settings always give the same events.

    `events` counts distinct events, late ones included and repeated copies not. `rate` is their
    spacing in event time. Shares are from 0 to 1; a copy carries the same event_id. `drift` is how
    far the behaviour behind the events has moved, from -10 to 10: 0 is not at all.
    """

    events: int
    start: datetime
    seed: int = 1
    rate: float = 1000.0
    duplicates: float = 0.0
    shuffle: timedelta = timedelta(0)
    late: float = 0.0
    unmatched: float = 0.0
    late_by: timedelta = timedelta(hours=3)
    period: timedelta = timedelta(minutes=5)
    drift: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be generated: ParameterError names the setting."""
        checks = {
            "events": self.events >= 0,
            "start": self.start.utcoffset() is not None,
            "rate": self.rate > 0,
            "duplicates": 0 <= self.duplicates <= 1,
            "shuffle": self.shuffle >= timedelta(0),
            "late": 0 <= self.late <= 0.5,
            "unmatched": 0 <= self.unmatched <= 1,
            "late_by": self.late_by > timedelta(0),
            "period": self.period >= timedelta(seconds=1),
            "drift": -10 <= self.drift <= 10,
        }
        for name, holds in checks.items():
            if not holds:
                raise ParameterError(f"{name}: {getattr(self, name)!r} is out of range")

    @property
    def start_ms(self) -> int:
        """The first event's time, epoch milliseconds."""
        return to_millis(self.start)

    @property
    def span(self) -> timedelta:
        """From the first event to the last, in event time."""
        return timedelta(seconds=self.events / self.rate)


class Generator(Protocol):
    """What `usecases/<name>/generator.py` offers, as a module."""

    def occurrences(self, settings: Settings) -> Iterator[Occurrence]:
        """Distinct events, `settings.events` of them, `at` never falling."""
        ...


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
    _distinct: int = 0
    _buckets: dict[tuple[str, int | str, int], list[Any]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Event]:
        """The events in the order of sending: repeated and shuffled, with their types."""
        return disturbed(self._counted(), self.settings, self._repeat)

    def truth(self) -> dict[str, Any]:
        """Exact outcomes per event type, dead letters per reason, reports in total and per bucket.

        What is unmatched becomes a dead letter when its key closes.
        """
        reports = self.use_case.reports
        uncounted = {
            "duplicate": self._duplicate,
            "late": self._late,
            "unmatched": self._unmatched,
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
        }

    def _counted(self) -> Iterator[Occurrence]:
        matched, late, unmatched = self._matched, self._late, self._unmatched
        buckets = self._buckets
        width = round(self.settings.period.total_seconds())
        latest = _latest(self.use_case.reports)
        for occurrence in self.generator.occurrences(self.settings):
            kind = occurrence.event["type"]
            self._distinct += 1
            if occurrence.late:
                late[kind] += 1
            elif occurrence.unmatched:
                unmatched[kind] += 1
            else:
                matched[kind] += 1
                second = occurrence.at // 1000
                for path, key, numbers in occurrence.contributions:
                    bucket = (path, key, second - second % width)
                    sums = buckets.get(bucket)
                    if sums is None:
                        buckets[bucket] = list(numbers)
                    else:
                        _count(sums, numbers, latest.get(path, ()))
            yield occurrence

    def _repeat(self, occurrence: Occurrence) -> None:
        """A copy is one more duplicate; one of a late event is late like it."""
        counter = self._late if occurrence.late else self._duplicate
        counter[occurrence.event["type"]] += 1

    def _outcomes(self, kind: str) -> dict[str, int]:
        return {
            "matched": self._matched[kind],
            "duplicate": self._duplicate[kind],
            "late": self._late[kind],
            "unmatched": self._unmatched[kind],
        }

    def _totals(self, report: Schema) -> dict[str, dict[str, Any]]:
        totals: dict[int | str, list[Any]] = {}
        latest = _latest((report,)).get(report.path, ())
        for (path, key, _), numbers in sorted(self._buckets.items(), key=lambda b: b[0][2]):
            if path == report.path:
                if key in totals:
                    _count(totals[key], numbers, latest)
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


def _latest(reports: Iterable[Schema]) -> dict[str, tuple[int, ...]]:
    """By report path, which of its measures are latest values."""
    found = {r.path: tuple(i for i, m in enumerate(r.measures) if m.latest) for r in reports}
    return {path: places for path, places in found.items() if places}


def _count(held: list[Any], numbers: Iterable[Any], latest: tuple[int, ...]) -> None:
    """Add to what is held; what is a latest value takes its place."""
    for index, number in enumerate(numbers):
        if index in latest:
            held[index] = number
        else:
            held[index] += number


def _row(report: Schema, key: int | str, numbers: Iterable[Any]) -> dict[str, Any]:
    measures = (column.name for column in report.measures)
    return {report.key: key, **dict(zip(measures, numbers, strict=True))}


def disturbed(
    occurrences: Iterable[Occurrence], settings: Settings, repeat: Callable[[Occurrence], None]
) -> Iterator[Event]:
    """The events in the order of sending; `repeat` receives each duplicate.

    Each event is delayed by up to `shuffle`, each copy by up to `shuffle` or a second.
    """
    random = Random(f"{settings.seed}/disturbed").random
    spread = settings.shuffle.total_seconds() * 1000
    copy_spread = max(spread, REPEAT_WITHIN.total_seconds() * 1000)
    if not spread and not settings.duplicates:
        yield from (occurrence.event for occurrence in occurrences)
        return
    waiting: list[tuple[float, int, Event]] = []
    number = 0
    for occurrence in occurrences:
        at, event = occurrence.at, occurrence.event
        while waiting and waiting[0][0] < at:
            yield heapq.heappop(waiting)[2]
        heapq.heappush(waiting, (at + random() * spread, number, event))
        number += 1
        if random() < settings.duplicates:
            repeat(occurrence)
            heapq.heappush(waiting, (at + random() * copy_spread, number, event))
            number += 1
    while waiting:
        yield heapq.heappop(waiting)[2]
