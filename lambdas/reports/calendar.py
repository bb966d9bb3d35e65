"""Calendar periods of a time zone, as contiguous intervals of real time.

A period starts at the first instant with its local time: at the end of a gap that skips that
time, at the first of two when the clock is set back. Only minutes and hours, which then occur
twice, start twice. So periods never overlap, and every instant is in exactly one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Unit(StrEnum):
    """The calendar units of a report."""

    MINUTES = "MINUTES"
    HOURS = "HOURS"
    HALF_DAYS = "HALF_DAYS"
    DAYS = "DAYS"
    WEEKS = "WEEKS"
    MONTHS = "MONTHS"
    YEARS = "YEARS"


# The length of a unit when the clock is not changed; the shortest month and year.
LENGTHS = {
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: timedelta(hours=1),
    Unit.HALF_DAYS: timedelta(hours=12),
    Unit.DAYS: timedelta(days=1),
    Unit.WEEKS: timedelta(weeks=1),
    Unit.MONTHS: timedelta(days=28),
    Unit.YEARS: timedelta(days=365),
}
_REPEATED = (Unit.MINUTES, Unit.HOURS)


@dataclass(frozen=True)
class Calendar:
    """The periods of one unit in one time zone."""

    unit: Unit
    zone: ZoneInfo

    def period(self, moment: datetime) -> tuple[datetime, datetime]:
        """Start and end (exclusive), UTC, of the period that contains an instant."""
        boundaries = sorted(set(self._boundaries(moment.astimezone(self.zone))))
        start = max(b for b in boundaries if b <= moment)
        return start, min(b for b in boundaries if b > moment)

    def _boundaries(self, local: datetime) -> Iterator[datetime]:
        """The boundaries before, at and after a local time, also across clock changes."""
        here = floor(self.unit, local.replace(tzinfo=None))
        before = floor(self.unit, here - timedelta(seconds=1))
        after = following(self.unit, here)
        for wall in (before, here, after, following(self.unit, after)):
            yield self._first(wall)
            if self.unit in _REPEATED:
                yield from self._second(wall)

    def _first(self, wall: datetime) -> datetime:
        """The first instant with this local time or, after a gap, a later one."""
        instant = self._instant(wall, fold=0)
        if self._wall(instant) == wall:
            return instant
        return self._end_of_gap(self._instant(wall, fold=1), instant)

    def _second(self, wall: datetime) -> Iterator[datetime]:
        """The second instant with this local time, if the clock was set back."""
        instant = self._instant(wall, fold=1)
        if self._wall(instant) == wall and instant != self._instant(wall, fold=0):
            yield instant

    def _end_of_gap(self, before: datetime, after: datetime) -> datetime:
        """The instant in (before, after] at which the offset changes, to the second."""
        offset = after.astimezone(self.zone).utcoffset()
        while after - before > timedelta(seconds=1):
            middle = before + (after - before) // 2
            middle = middle.replace(microsecond=0)
            if middle.astimezone(self.zone).utcoffset() == offset:
                after = middle
            else:
                before = middle
        return after

    def _instant(self, wall: datetime, *, fold: int) -> datetime:
        return wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)

    def _wall(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone).replace(tzinfo=None, fold=0)


def floor(unit: Unit, wall: datetime) -> datetime:
    """The start of the unit on a clock without changes; weeks start on Monday."""
    day = wall.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match unit:
        case Unit.MINUTES:
            return day.replace(hour=wall.hour, minute=wall.minute)
        case Unit.HOURS:
            return day.replace(hour=wall.hour)
        case Unit.HALF_DAYS:
            return day.replace(hour=wall.hour // 12 * 12)
        case Unit.DAYS:
            return day
        case Unit.WEEKS:
            return day - timedelta(days=day.weekday())
        case Unit.MONTHS:
            return day.replace(day=1)
        case Unit.YEARS:
            return day.replace(month=1, day=1)


def following(unit: Unit, start: datetime) -> datetime:
    """The start of the next unit, on the same clock."""
    match unit:
        case Unit.MONTHS:
            return (start + timedelta(days=31)).replace(day=1)
        case Unit.YEARS:
            return start.replace(year=start.year + 1)
        case _:
            return start + LENGTHS[unit]
