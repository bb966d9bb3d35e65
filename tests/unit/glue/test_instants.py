"""Instants in and out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue import instants

INSTANTS = st.integers(0, 253_402_300_799_999).map(instants.from_millis)


@given(INSTANTS)
def test_what_is_written_is_read_back(at: datetime) -> None:
    assert instants.parse(instants.to_wire(at)) == at
    assert instants.from_millis(instants.to_millis(at)) == at


@given(INSTANTS)
def test_the_wire_form_has_three_decimals_and_z(at: datetime) -> None:
    wire = instants.to_wire(at)
    assert (len(wire), wire[-5], wire[-1]) == (24, ".", "Z")


def test_microseconds_are_cut_not_rounded() -> None:
    at = instants.parse("2026-11-21T10:00:00.999999Z")
    assert at == datetime(2026, 11, 21, 10, tzinfo=UTC) + timedelta(milliseconds=999)


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
        ("2017-01-01T05:29:60.5+05:30", "2016-12-31T23:59:59.500Z"),
    ],
)
def test_a_leap_second_belongs_to_the_day_it_ends(text: str, second: str) -> None:
    assert instants.to_wire(instants.parse(text)) == second


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T10:00:60Z",
        "2016-12-30T23:59:60Z",
        "2016-12-31T23:59:60+01:00",
        "2016-12-31T23:59:61Z",
        "2026-11-21T10:00:00+05:60",
        "2026-11-21T10:00:00-24:00",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:60:00Z",
    ],
)
def test_a_time_or_offset_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the time"):
        instants.parse(text)


@pytest.mark.parametrize("seconds", [1_000_000_000, 1_795_251_600, 9_999_999_999])
def test_epoch_seconds_are_refused_and_named(seconds: int) -> None:
    with pytest.raises(ValueError, match=f"send milliseconds, {seconds}000"):
        instants.parse(seconds)
