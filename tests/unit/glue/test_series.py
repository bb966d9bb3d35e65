"""Series are declared with a use case; wrong ones are refused when it is imported."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
from annotated_types import Ge

from glue import CatalogError, SchemaError, Series, UseCase, event, record, report


@event(key="sensor", stream="readings")
class Reading:
    """Something was read."""

    sensor: Annotated[str, "The sensor."]
    level: Annotated[float, "How much."]


@record(key="sensor", stream="means")
class Mean:
    """A mean."""

    sensor: Annotated[str, "The sensor."]
    level: Annotated[float, "How much."]
    at: Annotated[datetime, "When."]


@report(path="sensors", key="sensor", period="period")
class Sensor:
    """Readings of a sensor."""

    sensor: Annotated[str, "The sensor."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    readings: Annotated[int, Ge(0), "Readings."]


def use_case(*series: Series) -> UseCase:
    """A use case with these series."""
    return UseCase("sensors", "Sensors.", Path(), (Reading, Mean, Sensor), series=series)


def test_a_series_is_of_an_event_or_of_a_record_with_a_time() -> None:
    readings = Series("readings", Reading, value="level")
    made = use_case(readings, Series("means", Mean, value="level", at="at"))
    assert [series.name for series in made.series] == ["readings", "means"]
    assert (readings.key_column.name, readings.value_column.doc) == ("sensor", "How much.")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "Readings"}, "lower case letters"),
        ({"value": "sensor"}, "'sensor' is not a number"),
        ({"key": "level"}, "'level' is not a text or an integer"),
        ({"by": "level"}, "'level' is not a text"),
        ({"at": "level"}, "'level' is not a time"),
        ({"of": Sensor}, "'Sensor' is not one of its events or records"),
    ],
)
def test_a_wrong_series_is_refused_by_name(changed: dict[str, Any], message: str) -> None:
    values: dict[str, Any] = {"name": "readings", "of": Reading, "value": "level", **changed}
    with pytest.raises(CatalogError, match=message):
        use_case(Series(**values))


def test_a_record_needs_a_column_with_the_time() -> None:
    with pytest.raises(SchemaError, match="'occurred_at' is not a field"):
        use_case(Series("means", Mean, value="level"))


def test_two_series_of_one_name_are_refused() -> None:
    series = Series("readings", Reading, value="level")
    with pytest.raises(CatalogError, match="declared twice"):
        use_case(series, series)
