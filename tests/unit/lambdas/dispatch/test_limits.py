"""Quiet hours in a time zone, and the cap in every period, against brute force."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glue.actions import Dispatching
from glue.errors import ParameterError
from lambdas.dispatch.limits import ATTEMPT, Limits, QuietHours
from lambdas.ports.actions import Times
from tests.unit.lambdas.dispatch.world import NOON, Recorded, World, action

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")


def limits(**values: str) -> Limits:
    return Limits.of(Dispatching.parse(values))


@pytest.mark.parametrize(
    ("now", "zone", "due"),
    [
        ("2026-03-01T20:59:39+00:00", "Europe/Berlin", "2026-03-01T20:59:39+00:00"),
        # an attempt that begins then may end after 22:00
        ("2026-03-01T20:59:40+00:00", "Europe/Berlin", "2026-03-02T06:00:00+00:00"),
        ("2026-03-01T21:00:00+00:00", "Europe/Berlin", "2026-03-02T06:00:00+00:00"),
        ("2026-03-02T05:59:59+00:00", "Europe/Berlin", "2026-03-02T06:00:00+00:00"),
        ("2026-03-02T06:00:00+00:00", "Europe/Berlin", "2026-03-02T06:00:00+00:00"),
        # the night on which clocks go forward has an hour less
        ("2026-03-28T22:00:00+00:00", "Europe/Berlin", "2026-03-29T05:00:00+00:00"),
        ("2026-10-24T22:00:00+00:00", "Europe/Berlin", "2026-10-25T06:00:00+00:00"),
        ("2026-03-01T21:00:00+00:00", "America/New_York", "2026-03-01T21:00:00+00:00"),
        ("2026-03-01T22:30:00+00:00", None, "2026-03-02T07:00:00+00:00"),
        ("2026-03-01T22:30:00+00:00", "Mars/Base", "2026-03-02T07:00:00+00:00"),
    ],
)
def test_an_action_waits_for_the_end_of_the_customers_night(
    now: str, zone: str | None, due: str
) -> None:
    quiet = limits(QuietHours="22:00-07:00")
    assert quiet.due(datetime.fromisoformat(now), zone) == datetime.fromisoformat(due)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 275 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    st.sampled_from(ZONES),
    st.times(),
    st.times(),
)
def test_due_is_the_first_instant_from_which_on_an_attempt_can_end_before_it_is_quiet(
    now: datetime, zone: str, start: time, end: time
) -> None:
    hours = QuietHours(start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))
    if hours.start == hours.end:
        return
    every = limits(QuietHours=f"{hours.start:%H:%M}-{hours.end:%H:%M}")
    due, at, local = every.due(now, zone), now, ZoneInfo(zone)
    while any(hours.includes(t.astimezone(local).time()) for t in (at, at + ATTEMPT)):
        at = (at + timedelta(minutes=1)).replace(second=0, microsecond=0)
    assert due == at


@pytest.mark.parametrize("value", ["22:00", "22:00-22:00", "24:00-07:00", "22-7", "22:00-7:00"])
def test_hours_of_another_form_are_refused(value: str) -> None:
    with pytest.raises(ParameterError, match="QuietHours"):
        Dispatching.parse({"QuietHours": value})


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"ActionTimeZone=Mars/Base: unknown time zone"):
        Dispatching.parse({"ActionTimeZone": "Mars/Base"})


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), max_size=40),
)
def test_no_period_has_more_than_the_cap_and_nothing_is_capped_without_need(
    cap: int, steps: list[tuple[int, int]]
) -> None:
    """Each action is due some minutes after it is decided, as by quiet hours of many zones."""
    capped = limits(ActionCap=str(cap), ActionCapPeriod="PT1H")
    now, times, sent = NOON, Times(), []  # type: ignore[var-annotated]
    for number, (wait, delay) in enumerate(steps):
        now += timedelta(minutes=wait)
        due = now + timedelta(minutes=delay)
        found = capped.planned(times, f"a-{number}", now, due)
        allowed = not _exceeds([*sent, due], cap)
        assert (found is not None) == allowed
        if found is not None:
            times = found
            sent.append(due)


def _exceeds(times: list[datetime], cap: int) -> bool:
    hour = timedelta(hours=1)
    return any(sum(start <= t < start + hour for t in times) > cap for start in times)


def test_the_cap_is_the_customers_and_a_repetition_counts_once() -> None:
    bus = Recorded()
    world = World(bus, ActionCap="2", ActionCapPeriod="PT1H")
    world.stream(action("a-1"), action("a-2"), action("b-1", "bob"))
    world.run(NOON)
    world.stream(action("a-1"), action("a-2"), action("a-3"))
    world.run(NOON + timedelta(hours=1))
    world.stream(action("a-4"))
    world.run(NOON + timedelta(hours=2))
    assert sorted(id_ for id_, _ in bus.received) == ["a-1", "a-2", "a-4", "b-1"]


def test_without_a_customer_the_subject_is_protected() -> None:
    bus = Recorded()
    world = World(bus, ActionCap="1")
    world.stream(action("a-1", None), action("a-2", None), action("a-3", None, subject="card-2"))
    world.run(NOON + timedelta(hours=1))
    assert sorted(id_ for id_, _ in bus.received) == ["a-1", "a-3"]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 3),
    st.lists(st.integers(-70, 130), max_size=12),
    st.lists(st.integers(-70, 0), max_size=6),
)
def test_an_action_that_waits_comes_as_early_as_nothing_planned_is_one_too_many(
    cap: int, planned: list[int], handed: list[int]
) -> None:
    """Seconds of a period of a minute, against every second that follows."""
    capped = limits(ActionCap=str(cap), ActionCapPeriod="PT1M")
    known = {f"p-{n}": NOON + timedelta(seconds=s) for n, s in enumerate(planned)}
    received = {f"h-{n}": NOON + timedelta(seconds=s) for n, s in enumerate(handed)}
    times = Times({**known, "own": NOON}, {**received, "own": NOON})
    turn = capped.turn(times, "own", NOON, None)
    others = [*known.values(), *received.values()]
    first = NOON + timedelta(seconds=1)
    while _too_many(others, first, cap):
        first += timedelta(seconds=1)
    assert turn == first
    recent = [t for t in received.values() if t > NOON - timedelta(minutes=1)]
    assert capped.may_hand(times, "own", NOON) == (len(recent) < cap)


def _too_many(others: list[datetime], at: datetime, cap: int) -> bool:
    minute = timedelta(minutes=1)
    begins = [t for t in (*others, at) if at - minute < t <= at]
    return any(sum(b <= t < b + minute for t in others) >= cap for b in begins)
