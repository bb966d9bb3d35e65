"""What protects customers: quiet hours in their time zone, and a cap in every period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from glue.actions import Dispatching, time_zone
from lambdas.ports.actions import Times

# The longest that a destination is waited for: an attempt that begins earlier than this before
# quiet hours ends before them.
ATTEMPT = timedelta(seconds=20)
# Lambda ends an execution after this time, and with it whatever it has begun.
EXECUTION = timedelta(minutes=1)
# An action is kept so much longer than ActionMaxAge and ActionCapPeriod: what comes again later has
# expired, and until then it can be sent again by command.
KEPT = timedelta(days=30)
_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
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
    """The limits of one use case. Without a cap, no method but `due` and `kept` is called."""

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

    def kept(self, time: datetime) -> datetime:
        """Until when what happens at a time is kept."""
        return time + max(self.max_age, self.period) + KEPT

    def due(self, now: datetime, zone: str | None) -> datetime:
        """When an attempt may begin: neither then nor at its end is it quiet.

        An unknown time zone is replaced by the deployment's.
        """
        if self.quiet is None:
            return now
        known = (time_zone(zone) if zone else None) or self.zone
        begin = _after(self.quiet, now, known)
        end = _after(self.quiet, begin + ATTEMPT, known)
        return begin if end == begin + ATTEMPT else end

    def planned(self, times: Times, id_: str, now: datetime, due: datetime) -> Times | None:
        """The times with another action that is due then; None if it is one too many."""
        recent = self._recent(times.planned, now)
        if self._is_full(recent.values(), due):
            return None
        return Times({**recent, id_: due}, self._recent(times.handed, now))

    def may_hand(self, times: Times, id_: str, now: datetime) -> bool:
        """Whether fewer other actions than the cap may have been received within the period."""
        others = [t for name, t in times.handed.items() if name != id_ and t > now - self.period]
        return len(others) < self.cap

    def handed(self, times: Times, id_: str, now: datetime, until: datetime) -> Times:
        """The times with an action that may be received until then."""
        handed = self._recent(times.handed, now)
        return Times(self._recent(times.planned, now), {**handed, id_: until})

    def turn(self, times: Times, id_: str, now: datetime, zone: str | None) -> datetime:
        """The first time, later than now, at which the action is none too many.

        So it is also with everything that is planned: what waits comes in turn.
        """
        known = dict(times.planned)
        known |= {name: max(t, known.get(name, t)) for name, t in times.handed.items()}
        others = [t for name, t in known.items() if name != id_]
        at = self.due(now + _SECOND, zone)  # what is being handed over now may be over then
        while self._is_full(others, at):
            at = self.due(min(t + self.period for t in others if t + self.period > at), zone)
        return at

    def _is_full(self, times: Iterable[datetime], at: datetime) -> bool:
        """Whether some period with this instant has as many of the times as the cap allows."""
        near = sorted(t for t in times if abs(t - at) < self.period)
        return any(
            max(last, at) - min(first, at) < self.period
            for first, last in zip(near, near[self.cap - 1 :], strict=False)
        )

    def _recent(self, times: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
        """Without those that no later action can share a period with."""
        return {name: t for name, t in times.items() if t > now - self.period - _SKEW}


def _after(hours: QuietHours, instant: datetime, zone: ZoneInfo) -> datetime:
    """The instant, or the end of the quiet hours that it is in."""
    minute = instant.astimezone(UTC).replace(second=0, microsecond=0)
    return max(instant, end_of_quiet(hours, minute, zone))
