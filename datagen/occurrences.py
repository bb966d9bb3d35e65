"""What a use case's `generator.py` yields, and from what settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, runtime_checkable

from glue.errors import ParameterError
from glue.instants import to_millis

Event = dict[str, Any]
# Report path, key, and for each measure what is added, or the latest value.
Contribution = tuple[str, int | str, tuple[Any, ...]]


class Occurrence(NamedTuple):
    """One distinct event: when it is sent (epoch ms), and what it adds to the reports.

    A late one is sent at `at` but carries an `occurred_at` long before, and adds nothing. Nor does
    one that is unmatched: the earlier events of its key are never sent. `refused` is another reason
    for which it and its copies become dead letters. Copies of an `idempotent` one are none.
    `rows` are rows of the pipeline's records that are certain with it, by stream; `later` is what
    they add to reports, at times of their own (epoch ms), those of one key in their order.
    Decimals are added exactly.
    """

    at: int
    event: Event
    contributions: tuple[Contribution, ...]
    late: bool = False
    unmatched: bool = False
    refused: str = ""
    idempotent: bool = False
    rows: tuple[tuple[str, Event], ...] = ()
    later: tuple[tuple[int, Contribution], ...] = ()


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


@runtime_checkable
class ClosingGenerator(Generator, Protocol):
    """One of whose events something is certain only when later ones are there."""

    def closing(self, keys: Iterable[str], end: datetime, delay: timedelta) -> Iterator[Event]:
        """Events of these keys, dated after `end`, that make certain what is in the truth.

        They add nothing to it. `delay` is WatermarkDelay.
        """
        ...
