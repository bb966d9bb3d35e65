"""Instants in and out."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from glue import instants

INSTANTS = st.integers(0, 253_402_300_799_999).map(instants.from_millis)


@given(INSTANTS)
def test_what_is_written_is_read_back(at: datetime) -> None:
    assert instants.parse(instants.to_wire(at)) == at
    assert instants.parse(instants.to_millis(at)) == at


@given(INSTANTS)
def test_the_wire_form_has_three_decimals_and_z(at: datetime) -> None:
    wire = instants.to_wire(at)
    assert (len(wire), wire[-5], wire[-1]) == (24, ".", "Z")


def test_microseconds_are_cut_not_rounded() -> None:
    at = instants.parse("2026-11-21T10:00:00.999999Z")
    assert at == datetime(2026, 11, 21, 10, tzinfo=UTC) + timedelta(milliseconds=999)
