"""Periods of calendars whose clocks are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.reports.calendar import Calendar, Unit

ZONES = sorted(available_timezones())


def starts(unit: Unit, zone: str, begin: str, end: str, minutes: int = 5) -> list[str]:
    """The starts of the periods between two moments, in local time."""
    calendar = Calendar(unit, ZoneInfo(zone))
    at, found = datetime.fromisoformat(begin).astimezone(UTC), []
    while at < datetime.fromisoformat(end):
        start = calendar.period(at)[0].astimezone(calendar.zone).isoformat(timespec="minutes")
        if start not in found:
            found.append(start)
        at += timedelta(minutes=minutes)
    return found


def hours(unit: Unit, zone: str, moment: str) -> float:
    """How long the period of a moment is, in hours."""
    start, end = Calendar(unit, ZoneInfo(zone)).period(datetime.fromisoformat(moment))
    return (end - start) / timedelta(hours=1)


def test_the_hour_that_passes_twice_is_two_hours() -> None:
    found = starts(
        Unit.HOURS, "Europe/Berlin", "2026-10-25T01:00:00+02:00", "2026-10-25T04:00:00+01:00"
    )
    assert found == [
        "2026-10-25T01:00+02:00",
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
    ]


def test_the_hour_that_is_skipped_is_none() -> None:
    found = starts(
        Unit.HOURS, "Europe/Berlin", "2026-03-29T01:00:00+01:00", "2026-03-29T04:00:00+02:00"
    )
    assert found == ["2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"]


def test_minutes_that_pass_twice_are_two() -> None:
    found = starts(
        Unit.MINUTES,
        "America/New_York",
        "2026-11-01T01:00:00-04:00",
        "2026-11-01T02:00:00-05:00",
        1,
    )
    assert len(found) == 120


@pytest.mark.parametrize(
    ("unit", "moment", "length"),
    [
        (Unit.DAYS, "2026-03-29T12:00:00+02:00", 23),
        (Unit.DAYS, "2026-10-25T12:00:00+01:00", 25),
        (Unit.HALF_DAYS, "2026-03-29T10:00:00+02:00", 11),
        (Unit.HALF_DAYS, "2026-03-29T12:00:00+02:00", 12),
        (Unit.HALF_DAYS, "2026-10-25T10:00:00+01:00", 13),
        (Unit.WEEKS, "2026-03-29T12:00:00+02:00", 7 * 24 - 1),
        (Unit.WEEKS, "2026-10-25T12:00:00+01:00", 7 * 24 + 1),
        (Unit.MONTHS, "2026-03-29T12:00:00+02:00", 31 * 24 - 1),
        (Unit.MONTHS, "2026-10-01T00:00:00+02:00", 31 * 24 + 1),
        (Unit.MONTHS, "2028-02-29T12:00:00+01:00", 29 * 24),
        (Unit.YEARS, "2026-07-01T00:00:00+02:00", 365 * 24),
        (Unit.YEARS, "2028-12-31T23:59:59+01:00", 366 * 24),
    ],
)
def test_periods_are_as_long_as_the_clock_makes_them(
    unit: Unit, moment: str, length: float
) -> None:
    assert hours(unit, "Europe/Berlin", moment) == length


def test_weeks_begin_on_monday_and_cross_the_year() -> None:
    found = starts(
        Unit.WEEKS, "Asia/Tokyo", "2026-12-28T00:00:00+09:00", "2027-01-05T00:00:00+09:00", 60
    )
    assert found == ["2026-12-28T00:00+09:00", "2027-01-04T00:00+09:00"]


def test_half_days_begin_at_midnight_and_noon() -> None:
    found = starts(
        Unit.HALF_DAYS, "Asia/Kathmandu", "2026-05-01T00:00:00+05:45", "2026-05-02T00:00:00+05:45"
    )
    assert found == ["2026-05-01T00:00+05:45", "2026-05-01T12:00+05:45"]


def test_a_day_whose_midnight_is_skipped_begins_when_the_gap_ends() -> None:
    found = starts(
        Unit.DAYS, "America/Sao_Paulo", "2018-11-03T12:00:00-03:00", "2018-11-04T12:00:00-02:00"
    )
    assert found == ["2018-11-03T00:00-03:00", "2018-11-04T01:00-02:00"]


def test_a_day_whose_midnight_passes_twice_begins_at_the_first() -> None:
    found = starts(
        Unit.DAYS, "America/Havana", "2026-10-31T12:00:00-04:00", "2026-11-01T12:00:00-05:00"
    )
    assert found == ["2026-10-31T00:00-04:00", "2026-11-01T00:00-04:00"]


def test_a_day_that_is_skipped_altogether_has_no_period() -> None:
    found = starts(
        Unit.DAYS, "Pacific/Apia", "2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00"
    )
    assert found == ["2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00"]


def test_half_an_hour_of_daylight_saving_makes_one_hour_longer() -> None:
    assert hours(Unit.HOURS, "Australia/Lord_Howe", "2026-04-05T01:45:00+11:00") == 1.5
    assert hours(Unit.HOURS, "Australia/Lord_Howe", "2026-10-04T02:45:00+11:00") == 0.5


@settings(max_examples=400, deadline=None)
@given(
    unit=st.sampled_from(list(Unit)),
    zone=st.sampled_from(ZONES),
    second=st.integers(0, 4_102_444_800),
)
def test_every_moment_lies_in_exactly_one_period(unit: Unit, zone: str, second: int) -> None:
    """Periods are an unbroken row: where one ends the next begins, and all moments agree."""
    calendar = Calendar(unit, ZoneInfo(zone))
    moment = datetime.fromtimestamp(second, UTC)
    start, end = calendar.period(moment)
    assert start <= moment < end
    assert calendar.period(start) == (start, end)
    assert calendar.period(end - timedelta(seconds=1)) == (start, end)
    assert calendar.period(end)[0] == end
    assert calendar.period(start - timedelta(seconds=1))[1] == start


# Before 2012 a clock was set back over the end of a month (St. John's, 2009-11-01 00:01).
@settings(max_examples=300, deadline=None)
@given(zone=st.sampled_from(ZONES), second=st.integers(1_325_376_000, 2_000_000_000))
def test_a_month_is_that_of_the_local_date(zone: str, second: int) -> None:
    found = ZoneInfo(zone)
    moment = datetime.fromtimestamp(second, UTC)
    local = moment.astimezone(found)
    start = Calendar(Unit.MONTHS, found).period(moment)[0].astimezone(found)
    assert (start.year, start.month) == (local.year, local.month)
