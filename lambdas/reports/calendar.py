"""Calendar periods of a time zone, as an unbroken row of boundaries in real time.

A period begins at the first moment its local time is reached: at the end of a gap that swallows
that moment, at the first of two where the clock is set back. Only minutes and hours, which pass
twice then, begin twice. So periods never overlap, and every moment lies in exactly one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Unit(StrEnum):
    """The calendar units a report can be asked for."""

    MINUTES = "MINUTES"
    HOURS = "HOURS"
    HALF_DAYS = "HALF_DAYS"
    DAYS = "DAYS"
    WEEKS = "WEEKS"
    MONTHS = "MONTHS"
    YEARS = "YEARS"


# What a unit lasts where no clock is changed; months and years at least.
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
        """Start and end (exclusive), UTC, of the period a moment lies in."""
        boundaries = sorted(set(self._boundaries(moment.astimezone(self.zone))))
        start = max(b for b in boundaries if b <= moment)
        return start, min(b for b in boundaries if b > moment)

    def _boundaries(self, local: datetime) -> Iterator[datetime]:
        """Those around a local time: before, at and after, even where a clock is changed."""
        here = floor(self.unit, local.replace(tzinfo=None))
        before = floor(self.unit, here - timedelta(seconds=1))
        after = following(self.unit, here)
        for wall in (before, here, after, following(self.unit, after)):
            yield self._first(wall)
            if self.unit in _REPEATED:
                yield from self._second(wall)

    def _first(self, wall: datetime) -> datetime:
        """The first moment at which the local clock shows this or, after a gap, more."""
        found = self._instant(wall, fold=0)
        if self._wall(found) == wall:
            return found
        return self._end_of_gap(self._instant(wall, fold=1), found)

    def _second(self, wall: datetime) -> Iterator[datetime]:
        """The second moment at which the clock shows this, where it was set back."""
        found = self._instant(wall, fold=1)
        if self._wall(found) == wall and found != self._instant(wall, fold=0):
            yield found

    def _end_of_gap(self, before: datetime, after: datetime) -> datetime:
        """The moment within (before, after] at which the offset changes, to the second."""
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
    """The start of the unit on a clock that is never changed; weeks begin on Monday."""
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
    """The start of the unit after the one that starts here, on the same clock."""
    match unit:
        case Unit.MONTHS:
            return (start + timedelta(days=31)).replace(day=1)
        case Unit.YEARS:
            return start.replace(year=start.year + 1)
        case _:
            return start + LENGTHS[unit]
