"""The model: every column type, strictly."""

from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from annotated_types import Ge, Le
from pydantic import ValidationError

from glue import event, schema_of
from glue.targets.pydantic import event_model


class Place:
    """Where it stands."""

    hall: Annotated[int, "The hall."]
    row: Annotated[str | None, "The row."] = None


@event(key="machine", stream="readings")
class Reading:
    """A machine was read."""

    machine: Annotated[str, "The machine."]
    watts: Annotated[float, Ge(-1), Le(1e6), "Power."]
    on: Annotated[bool, "Was it on?"]
    serviced_at: Annotated[datetime | None, "When it was last looked after."] = None
    place: Annotated[Place | None, "Where it stands."] = None


MODEL = event_model(schema_of(Reading))
GOOD = {"machine": "m", "watts": 1.5, "on": True}


def test_every_type_is_taken_as_it_is() -> None:
    sent = {**GOOD, "serviced_at": "2026-11-21T10:00:00Z", "place": {"hall": 3}}
    read: Any = MODEL.model_validate(sent)
    assert read.serviced_at == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert (read.watts, read.on, read.place.hall, read.place.row) == (1.5, True, 3, None)


def test_a_whole_number_is_a_number() -> None:
    assert MODEL.model_validate({**GOOD, "watts": 2})


@pytest.mark.parametrize(
    "wrong",
    [
        {"watts": "1"},
        {"watts": True},
        {"watts": float("nan")},
        {"watts": float("inf")},
        {"watts": -2.0},
        {"on": 1},
        {"on": "true"},
        {"place": {"hall": "3"}},
        {"place": {"hall": 3, "bay": 1}},
        {"place": [3]},
        {"machine": ""},
        {"machine": "x" * 257},
        {"serviced_at": "yesterday"},
    ],
)
def test_nothing_is_coerced_and_nothing_unknown_is_let_in(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MODEL.model_validate({**GOOD, **wrong})
