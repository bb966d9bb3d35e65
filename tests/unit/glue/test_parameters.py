"""Deployment parameters: what is taken, and what is refused by name."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glue.errors import ParameterError
from glue.parameters import DEFAULTS, Parameters, format_duration, parse_duration


def test_absent_parameters_have_their_default() -> None:
    assert Parameters.parse({}).to_strings() == dict(DEFAULTS)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT5M", 300), ("PT90S", 90), ("P1DT12H", 129_600), ("P2W", 1_209_600), ("PT0S", 0)],
)
def test_durations_are_iso_8601(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "5M", "PT5", "PT-5M", "PT1.5S", "P1M", "P1Y", "pt5m", "PT\u0665M"],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match=r"CorrelationWindow.*is not an ISO 8601 duration"):
        Parameters.parse({"CorrelationWindow": text})


@pytest.mark.parametrize("value", [300, None, True, ["PT5M"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(ParameterError, match="AllowedLateness"):
        Parameters.parse({"AllowedLateness": value})


@pytest.mark.parametrize("period", ["PT1M", "PT5M", "PT15M", "PT30M", "PT1H", "PT12H", "P1D"])
def test_a_period_that_fits_the_calendar_is_taken(period: str) -> None:
    assert Parameters.parse({"AggregationPeriod": period}).aggregation_period


@pytest.mark.parametrize("period", ["PT0S", "PT7M", "PT20M", "PT10M", "PT7H", "PT75M", "P2D"])
def test_a_period_that_does_not_fit_the_calendar_is_refused(period: str) -> None:
    with pytest.raises(ParameterError, match="AggregationPeriod"):
        Parameters.parse({"AggregationPeriod": period})


def test_a_window_of_nothing_is_refused_but_no_lateness_is_not() -> None:
    with pytest.raises(ParameterError, match="CorrelationWindow=PT0S"):
        Parameters.parse({"CorrelationWindow": "PT0S"})
    assert Parameters.parse({"AllowedLateness": "PT0S"}).allowed_lateness == timedelta(0)


@pytest.mark.parametrize("value", ["P31D", "P999999999999D"])
def test_what_state_cannot_be_kept_for_is_refused(value: str) -> None:
    with pytest.raises(ParameterError, match="AllowedLateness"):
        Parameters.parse({"AllowedLateness": value})


@settings(deadline=None)
@given(st.integers(0, 400 * 86_400).map(lambda n: timedelta(seconds=n)))
def test_a_duration_survives_its_text(value: timedelta) -> None:

    assert parse_duration(format_duration(value)) == value


@pytest.mark.parametrize("value", ["1", "1000000000000000"])
def test_the_largest_amount_is_an_integer(value: str) -> None:
    assert Parameters.parse({"MaxAmount": value}).max_amount == int(value)


@pytest.mark.parametrize(
    "value", ["0", "-1", "1e3", "1000000000000001", "9" * 20, "", "x", 5, None]
)
def test_an_amount_that_cannot_be_a_limit_is_refused_by_name(value: object) -> None:
    with pytest.raises(ParameterError, match="MaxAmount"):
        Parameters.parse({"MaxAmount": value})
