"""The environment as a model."""

import pytest

from lambdas.settings import Settings, SettingsError


def test_names_are_looked_up_by_use_case() -> None:
    settings = Settings.from_environment(
        {"SDP_STREAMS": '{"x/events":"s"}', "SDP_TABLES": '{"x/things":"t"}'}
    )
    assert (settings.stream("x", "events"), settings.table("x", "things")) == ("s", "t")


def test_what_was_not_given_is_named() -> None:
    with pytest.raises(SettingsError, match=r"SDP_STREAMS has no 'x/events'; it has \['x/y'\]"):
        Settings.from_environment({"SDP_STREAMS": '{"x/y":"s"}'}).stream("x", "events")


@pytest.mark.parametrize("value", ["{", "[]", '{"a":1}'])
def test_a_variable_that_cannot_be_read_is_named(value: str) -> None:
    with pytest.raises(SettingsError, match="SDP_TABLES"):
        Settings.from_environment({"SDP_TABLES": value})


def test_a_function_knows_the_deployed_use_cases() -> None:
    assert Settings.from_environment({"SDP_USE_CASES": "adtech"}).use_cases == ("adtech",)
    with pytest.raises(SettingsError, match="SDP_USE_CASES=shops: must be one or more of adtech"):
        Settings.from_environment({"SDP_USE_CASES": "shops"})
