"""What protects customers: quiet hours in their time zone, and a cap in every period."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from glue.actions import Dispatching, time_zone

_MINUTE = timedelta(minutes=1)
_SKEW = timedelta(minutes=5)  # between the clocks of two executions


@dataclass(frozen=True)
class QuietHours:
    """From `start` to before `end` of the local day, over midnight if `end` is earlier."""

    start: time
    end: time

    @classmethod
    def parse(cls, text: str | None) -> QuietHours | None:
        """`HH:MM-HH:MM`; None for None."""
        return cls(*map(time.fromisoformat, text.split("-"))) if text else None

    def includes(self, local: time) -> bool:
        """Whether nothing is sent at this local time."""
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


@lru_cache(maxsize=4096)
def end_of_quiet(hours: QuietHours, minute: datetime, zone: ZoneInfo) -> datetime:
    """The first minute from this one on that is not quiet.

    Each minute is looked at, so that the days on which clocks change need no rule of their own.
    """
    while hours.includes(minute.astimezone(zone).time()):
        minute += _MINUTE
    return minute


@dataclass(frozen=True)
class Limits:
    """The limits of one use case."""

    cap: int
    period: timedelta
    quiet: QuietHours | None
    zone: ZoneInfo
    max_age: timedelta

    @classmethod
    def of(cls, dispatching: Dispatching) -> Limits:
        """From a deployment's parameters."""
        return cls(
            cap=dispatching.cap,
            period=dispatching.duration("ActionCapPeriod"),
            quiet=QuietHours.parse(dispatching.text("QuietHours")),
            zone=time_zone(str(dispatching.values["ActionTimeZone"])) or ZoneInfo("UTC"),
            max_age=dispatching.duration("ActionMaxAge"),
        )

    def due(self, now: datetime, zone: str | None) -> datetime:
        """When an action may be sent; an unknown time zone is replaced by the deployment's."""
        if self.quiet is None:
            return now
        minute = now.astimezone(UTC).replace(second=0, microsecond=0)
        known = (time_zone(zone) if zone else None) or self.zone
        return max(now, end_of_quiet(self.quiet, minute, known))

    def counted(
        self, times: Sequence[datetime], now: datetime, due: datetime
    ) -> list[datetime] | None:
        """The times with another one; None if some period would then have more than the cap.

        Times that no later action can share a period with are dropped.
        """
        recent = [t for t in times if t > now - self.period - _SKEW]
        insort(recent, due)
        pairs = zip(recent, recent[self.cap :], strict=False)
        if any(last - first < self.period for first, last in pairs):
            return None
        return recent
