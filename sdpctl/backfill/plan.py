"""Which records decide the buckets of a range, and in which hours of the lake they can lie.

A bucket [a, b) counts records of its own time; whether one is counted depends on its key's other
records, within CorrelationWindow of it, and on whether the key was open already, which a record up
to CorrelationWindow + AllowedLateness older than those decides. A record that was counted arrived
no later than AllowedLateness after its time, as far as heartbeats come each minute.
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
# What clocks, heartbeats that stay away and the buffers of the delivery may add to an arrival.
SLACK = timedelta(hours=1)
# As long as a stream keeps its records: within it a late one can be told from the lake.
LETTERS = timedelta(days=7)


@dataclass(frozen=True)
class Span:
    """A half-open range of time."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies in it."""
        return self.start <= moment < self.end

    def __str__(self) -> str:
        return f"{instants.to_wire(self.start)} to {instants.to_wire(self.end)}"


@dataclass(frozen=True)
class Plan:
    """What a backfill of `buckets` reads: event times, and hours of delivery.

    `letters` are the hours whose dead letters can be about these records. `settled` is the event
    time that must have been delivered before the range can be computed from the lake.
    """

    buckets: Span
    events: Span
    arrivals: Span
    letters: Span
    settled: datetime


def plan(buckets: Span, parameters: Parameters) -> Plan:
    """The plan of a range of whole buckets; raises CommandError for any other."""
    _require_whole(buckets, parameters.aggregation_period)
    window, lateness = parameters.window, parameters.lateness
    events = Span(buckets.start - 2 * window - lateness, buckets.end + window)
    arrivals = Span(_floor(events.start - AHEAD), _floor(events.end + lateness + SLACK) + HOUR)
    return Plan(
        buckets,
        events,
        arrivals,
        Span(arrivals.start, arrivals.end + LETTERS),
        buckets.end + window + lateness,
    )


def parse_bound(option: str, text: str) -> datetime:
    """An instant, or the beginning of a day in UTC; raises CommandError naming the option."""
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        pass
    try:
        return instants.parse(text)
    except ValueError as error:
        raise CommandError(f"{option}: {text!r}: {error}; or a day, 2026-11-21") from error


def require_final(buckets: Span, complete_through: datetime | None) -> None:
    """Raise CommandError if live counts of the range can still change.

    They would be ignored after the backfill, whose generation is higher.
    """
    if complete_through is None or buckets.end > complete_through:
        through = (
            "not known yet" if complete_through is None else instants.to_wire(complete_through)
        )
        raise CommandError(
            f"--to {instants.to_wire(buckets.end)}: the range is not final: complete_through is "
            f"{through}. Records that still arrive would count in the old generation, and be "
            "ignored. Choose an earlier end, or wait."
        )


def _require_whole(buckets: Span, period: timedelta) -> None:
    if buckets.start >= buckets.end:
        raise CommandError(f"--from must be before --to: {buckets}")
    for option, moment in (("--from", buckets.start), ("--to", buckets.end)):
        if (moment - EPOCH) % period:
            raise CommandError(
                f"{option} {instants.to_wire(moment)}: cuts a bucket in two; buckets are "
                f"{format_duration(period)} (AggregationPeriod), counted from 1970"
            )


def _floor(moment: datetime) -> datetime:
    return moment - (moment - EPOCH) % HOUR
