"""Which records the buckets of a range depend on, and which hours of the lake can contain them.

A bucket [a, b) counts records of its own time. Whether one is counted depends on the other records
of its key within CorrelationWindow, and on whether the key was already open, which depends on
records up to CorrelationWindow + AllowedLateness older. A counted record arrived at most
AllowedLateness after its time, given a heartbeat each minute.

Results that are made of several records, as pairs are, take those within their reach before and
behind the bucket. Where operators remember (a balance, a profile), a bucket depends on every
earlier record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from glue import instants
from glue.instants import EPOCH
from glue.limits import AHEAD
from glue.parameters import Parameters, format_duration
from sdpctl.errors import CommandError

HOUR = timedelta(hours=1)
# The delay of an arrival through clock differences, missing heartbeats and buffering.
SLACK = timedelta(hours=1)
# The retention of a stream: the delivery to the lake may be that late.
LETTERS = timedelta(days=7)


@dataclass(frozen=True)
class Span:
    """A half-open range of time."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether it contains the instant."""
        return self.start <= moment < self.end

    def __str__(self) -> str:
        return f"{instants.to_wire(self.start)} to {instants.to_wire(self.end)}"


@dataclass(frozen=True)
class Plan:
    """What a backfill of `buckets` reads: event times, and hours of delivery.

    `letters`: the hours whose dead letters can concern these records. `settled`: the event time
    that must have been delivered before the range can be computed from the lake. `lateness`: how
    late a record may be in the run. `remembers`: `events` are all up to the end of the range, and
    `delay` is how far the watermark stays behind them.
    """

    buckets: Span
    events: Span
    arrivals: Span
    letters: Span
    settled: datetime
    lateness: timedelta
    delay: timedelta
    remembers: bool

    @property
    def depends_on(self) -> str:
        """The event times of the records, in words."""
        if self.remembers:
            return f"all with event times before {instants.to_wire(self.events.end)}"
        return f"with event times {self.events}"


def plan(
    buckets: Span,
    parameters: Parameters,
    *,
    reach: timedelta | None = None,
    remembers: bool = False,
) -> Plan:
    """The plan for a range of whole buckets. Raises CommandError for any other range.

    `reach` is that of the definitions, where they have a further one than the parameters;
    `remembers`: whether the use case's operators do.
    """
    _require_whole(buckets, parameters.aggregation_period)
    window, lateness = parameters.window, parameters.lateness
    # A value at one end of the reach is ended by the next record, which is as far again.
    beyond = window + 2 * (parameters.reach if reach is None else reach)
    start = EPOCH if remembers else buckets.start - window - lateness - beyond
    events = Span(start, buckets.end + beyond)
    arrivals = Span(_floor(events.start - AHEAD), _floor(events.end + lateness + SLACK) + HOUR)
    return Plan(
        buckets,
        events,
        arrivals,
        Span(arrivals.start, arrivals.end + LETTERS),
        buckets.end + beyond + lateness,
        # What remembers takes late records between others: these are in the order of their time.
        timedelta(0) if remembers else lateness,
        parameters.watermark_delay,
        remembers,
    )


def computable_through(complete_through: datetime | None, reach: timedelta) -> datetime | None:
    """The end of the ranges that can be computed again: all that they are made of is complete."""
    return None if complete_through is None else complete_through - 2 * reach


def parse_bound(option: str, text: str) -> datetime:
    """An instant, or the start of a day in UTC. Raises CommandError with the option's name."""
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        pass
    try:
        return instants.parse(text)
    except ValueError as error:
        raise CommandError(f"{option} {text!r}: {error}; or a day, like 2026-11-21") from error


def require_final(buckets: Span, complete_through: datetime | None, period: timedelta) -> None:
    """Raise CommandError if live counts of the range can still change, naming the latest end.

    Those changes would be ignored, because the result has a higher generation.
    """
    if complete_through is not None and buckets.end <= complete_through:
        return
    if complete_through is None:
        raise CommandError(
            f"--to {instants.to_wire(buckets.end)}: it is not known yet which ranges are final: no "
            "event time has come through the job. See ./sdp status, and try again in some minutes."
        )
    through = instants.to_wire(complete_through)
    end = complete_through - (complete_through - EPOCH) % period
    if buckets.start >= end:
        raise CommandError(
            f"--from {instants.to_wire(buckets.start)}: the range is not final, nor a part of it; "
            f"complete_through is {through}. Choose a range that ends at {instants.to_wire(end)} "
            "or earlier, or wait."
        )
    raise CommandError(
        f"--to {instants.to_wire(buckets.end)}: the range is not final; complete_through is "
        f"{through}. Records that arrive later would count in the old generation and be "
        f"ignored. Choose --to {instants.to_wire(end)} or an earlier end, or wait."
    )


def _require_whole(buckets: Span, period: timedelta) -> None:
    if buckets.start >= buckets.end:
        raise CommandError(
            f"--from {instants.to_wire(buckets.start)}: must be before --to, which is "
            f"{instants.to_wire(buckets.end)} (exclusive: a day ends at the start of the next one)"
        )
    for option, moment in (("--from", buckets.start), ("--to", buckets.end)):
        if beyond := (moment - EPOCH) % period:
            before = moment - beyond
            raise CommandError(
                f"{option} {instants.to_wire(moment)}: not a bucket boundary; buckets last "
                f"{format_duration(period)} (AggregationPeriod), counted from 1970-01-01. Choose "
                f"{instants.to_wire(before)} or {instants.to_wire(before + period)}"
            )


def _floor(moment: datetime) -> datetime:
    return moment - (moment - EPOCH) % HOUR
