"""Deployment parameters: what is taken, and what is refused by name."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glue import Catalog, CatalogError, UseCase
from glue.errors import ParameterError
from glue.parameters import (
    PLATFORM,
    Duration,
    Number,
    Parameter,
    Parameters,
    Role,
    Text,
    Whole,
    format_duration,
    parse_duration,
    together,
)

WINDOW = Parameter("Window", Duration("PT1S", "P30D", Role.WINDOW), "PT1H", "How far apart.")
LATENESS = Parameter("Lateness", Duration("PT0S", "P30D", Role.LATENESS), "PT1H", "How late.")
COUNT = Parameter("Count", Whole(1, 9), "5", "How many.")
FACTOR = Parameter("Factor", Number(0.5, 2.5), "1.5", "How much.")
PAGE = Parameter("Page", Text(10), "start", "Where it begins.")
OWN = (WINDOW, LATENESS, COUNT, FACTOR, PAGE)


def _use_case(name: str, *parameters: Parameter) -> UseCase:
    return UseCase(name, "Made up.", Path(), parameters=parameters)


def test_absent_parameters_have_their_default() -> None:
    defaults = {p.name: p.default for p in (*PLATFORM, *OWN)}
    assert Parameters.parse({}, "shop", OWN).to_strings() == defaults


def test_a_value_for_one_use_case_is_taken_before_the_one_for_all() -> None:
    catalog = Catalog((_use_case("a", COUNT), _use_case("b", COUNT)))
    given = {"Count": "2", "b.Count": "3", "b.AggregationPeriod": "PT1M"}
    found = catalog.configured(given)
    assert [found[name]["Count"] for name in ("a", "b")] == [2, 3]
    assert catalog.configured(together(found)) == found


def test_what_a_row_waits_for_is_what_the_durations_with_a_role_add_up_to() -> None:
    found = Parameters.parse({"Window": "PT1M", "Lateness": "PT2M"}, "shop", OWN)
    assert (found.window, found.lateness) == (timedelta(minutes=1), timedelta(minutes=2))
    assert found.settling == timedelta(minutes=3)
    assert Parameters.parse({}).settling == timedelta(0)


def test_an_answer_waits_as_long_as_what_it_answers_may_be_late_and_makes_no_row_wait() -> None:
    answers = Parameter("Answers", Duration("PT1S", "P30D", Role.ANSWER, "reply"), "PT1H", "When.")
    found = Parameters.parse({"WatermarkDelay": "PT7S"}, "shop", (*OWN, answers))
    assert found.waiting() == found.waiting("reply") == timedelta(hours=1, seconds=7)
    assert found.waiting("question") == timedelta(0) == Parameters.parse({}).waiting()
    assert found.settling == timedelta(hours=2)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Count", "10", "Count=10: must be an integer from 1 to 9"),
        ("Count", "1.5", "Count=1.5: must be an integer from 1 to 9"),
        ("Factor", "2.6", "Factor=2.6: must be 0.5 to 2.5"),
        ("Factor", "nan", "Factor=nan: must be 0.5 to 2.5"),
        ("Page", "", "Page=: must be 1 to 10 characters"),
        ("Window", "PT0S", "Window=PT0S: must be PT1S to P30D"),
    ],
)
def test_a_use_cases_own_parameter_is_refused_by_name(name: str, value: str, message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        Parameters.parse({f"shop.{name}": value}, "shop", OWN)


@pytest.mark.parametrize("key", ["Cuont", "a.Cuont", "b.Count", "c.Count", "c.MaxAmount"])
def test_a_key_that_no_use_case_has_is_refused_with_the_choices(key: str) -> None:
    catalog = Catalog((_use_case("a", COUNT), _use_case("b", PAGE)))
    catalog.check_names(["Count", "a.Count", "b.MaxAmount", "prefix", "@aws-cdk/core:x"])
    with pytest.raises(ParameterError, match=rf"^{key}: unknown (parameter|use case); .*\["):
        catalog.check_names([key])


def test_a_wrong_declaration_is_refused_where_it_is_made() -> None:
    with pytest.raises(ParameterError, match="Count=0: must be an integer from 1 to 9"):
        Parameter("Count", Whole(1, 9), "0", "How many.")
    with pytest.raises(ParameterError, match="'count' is not a parameter's name"):
        Parameter("count", Whole(1, 9), "1", "How many.")
    with pytest.raises(CatalogError, match=r"shop: parameters \['MaxAmount'\] are declared twice"):
        _use_case("shop", Parameter("MaxAmount", Whole(1, 9), "1", "How much."))


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
    with pytest.raises(ParameterError, match=r"Window.*is not an ISO 8601 duration"):
        Parameters.parse({"Window": text}, "shop", OWN)


@pytest.mark.parametrize("value", [300, None, True, ["PT5M"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(ParameterError, match="Lateness"):
        Parameters.parse({"Lateness": value}, "shop", OWN)


@pytest.mark.parametrize("period", ["PT1M", "PT5M", "PT15M", "PT30M", "PT1H", "PT12H", "P1D"])
def test_a_period_that_fits_the_calendar_is_taken(period: str) -> None:
    assert Parameters.parse({"AggregationPeriod": period}).aggregation_period


@pytest.mark.parametrize("period", ["PT0S", "PT7M", "PT20M", "PT10M", "PT7H", "PT75M", "P2D"])
def test_a_period_that_does_not_fit_the_calendar_is_refused(period: str) -> None:
    with pytest.raises(ParameterError, match="AggregationPeriod"):
        Parameters.parse({"AggregationPeriod": period})


@pytest.mark.parametrize("value", ["P31D", "P999999999999D"])
def test_what_state_cannot_be_kept_for_is_refused(value: str) -> None:
    with pytest.raises(ParameterError, match="Lateness"):
        Parameters.parse({"Lateness": value}, "shop", OWN)


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


def test_a_parameter_is_at_least_another_one() -> None:
    """FinalAfter of machines: before, the job failed when it was planned."""
    own = (Parameter("Long", Duration("PT0S", "P1D"), "PT10M", "Long.", at_least="WatermarkDelay"),)
    assert Parameters.parse({"Long": "PT5S"}, "u", own)["Long"] == timedelta(seconds=5)
    message = "Long=PT1M: must be at least WatermarkDelay, which is PT2M; set a larger Long"
    with pytest.raises(ParameterError, match=message):
        Parameters.parse({"Long": "PT1M", "u.WatermarkDelay": "PT2M"}, "u", own)
