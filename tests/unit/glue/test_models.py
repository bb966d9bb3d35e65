"""A model's declaration: what looks into the future, or does not exist, fails at import."""

import json
from datetime import datetime
from typing import Annotated

import pytest
from annotated_types import Ge

import usecases
from features.definition import Definition, Hashed, Input, Log, Numeric, Relative
from glue import SchemaError, event, record
from glue.models import model


@event(key="gate", stream="passages")
class Passage:
    """Somebody wants to go through a gate."""

    gate: Annotated[str, "The gate."]
    weight: Annotated[int, Ge(0), "Grams."]
    team: Annotated[str | None, "Whom they came for."] = None


@record(key="gate", stream="visits")
class Visit:
    """What became of it."""

    gate: Annotated[str, "The gate."]
    grams: Annotated[int, "Grams."]
    team: Annotated[str | None, "Whom they came for."] = None
    at: Annotated[datetime, "When they came."]
    left_at: Annotated[datetime | None, "When they left."] = None
    paid: Annotated[int | None, "What they paid inside."] = None
    stayed: Annotated[bool, "They saw the end."]


INPUTS = (Input("gate", "gate"), Input("grams", "weightGrams", event="weight"))
DECLARED = {
    "name": "stay",
    "doc": "Who stays.",
    "record": Visit,
    "event": Passage,
    "time": "at",
    "label": "stayed",
    "segment": "gate",
    "inputs": INPUTS,
    "features": (Hashed("gate"), Log("grams")),
    "increasing": ("grams",),
}


def _declare(**changes):
    return model(**(DECLARED | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": (Hashed("gate"), Log("grams"), Numeric("paid"))}, "'paid', which is not kno"),
        ({"features": (Hashed("gate"), Relative("grams", to="team"))}, "'team', which is not know"),
        ({"inputs": (*INPUTS, Input("paid", "paid"))}, "not known when Passage happens"),
        ({"inputs": (*INPUTS, Input("left_at", "leftAt"))}, "not known when Passage happens"),
        ({"inputs": (*INPUTS, Input("stayed", "stayed"))}, "is the label"),
        ({"inputs": (*INPUTS, Input("paid", "paid", event="gate"))}, "another type"),
        ({"features": (Hashed("gate"), Log("length"))}, "'length' is not a field"),
        ({"label": "grams"}, "not a boolean"),
        ({"time": "grams"}, "not a time"),
        ({"segment": "grams"}, "segment 'grams'"),
        ({"features": (Log("gate"), Log("grams"))}, "not a number"),
        ({"features": (Hashed("gate", buckets=0), Log("grams"))}, "buckets is 0"),
        ({"features": (Hashed("gate"), Log("grams"), Log("grams"))}, "declared twice"),
        ({"inputs": (*INPUTS, Input("team", "gate"))}, r"request field \['gate'\]"),
        ({"increasing": ("gate",)}, "increasing 'gate'"),
    ],
)
def test_a_wrong_declaration_is_refused_by_name(changes, message):
    with pytest.raises(SchemaError, match=message):
        _declare(**changes)


@pytest.mark.parametrize(
    "column", ["won", "clicked", "won_at", "clicked_at", "win_probability", "model_version"]
)
def test_what_happens_after_the_bid_cannot_be_known_when_it_is_made(column):
    win = usecases.load().use_case("adtech").model
    assert column not in win.definition.columns
    given = {
        name: getattr(win.definition, name)
        for name in ("name", "time", "label", "segment", "features", "increasing")
    }
    from usecases.adtech.events import Bid
    from usecases.adtech.records import Transaction

    inputs = (*win.definition.inputs, Input(column, column))
    with pytest.raises(SchemaError, match=f"input '{column}'"):
        model(doc="", record=Transaction, event=Bid, inputs=inputs, **given)


def test_the_clearing_price_is_no_feature():
    win = usecases.load().use_case("adtech").model
    assert "win_price" not in win.definition.columns
    assert win.definition.numbers == ("bid_price",)


def test_a_request_has_the_limits_of_the_event():
    gate, grams = _declare().parameters
    assert (gate.name, gate.required, gate.category) == ("gate", True, True)
    assert (grams.name, grams.column, grams.required) == ("weightGrams", "grams", True)
    assert grams.type.minimum == 0


def test_a_number_is_required_in_a_request_though_the_event_may_lack_it():
    parameters = {p.name: p for p in usecases.load().use_case("adtech").model.parameters}
    assert parameters["winPrice"].required
    assert parameters["campaignItemId"].required
    assert not parameters["domain"].required


@record(key="id", stream="findings")
class Finding:
    """Somebody is lost."""

    id: Annotated[str, "The finding."]
    metres: Annotated[float | None, "From the exit; below zero inside."] = None


@event(key="person", stream="people")
class Person:
    """Who it is."""

    person: Annotated[str, "The person."]
    age: Annotated[int | None, Ge(0), "In years."] = None


@record(key="id", stream="hints")
class Hint:
    """What was said to them, and whether it helped."""

    id: Annotated[str, "The finding."]
    metres: Annotated[float | None, "From the exit."] = None
    age: Annotated[int | None, "In years."] = None
    action: Annotated[str, "What was said."]
    at: Annotated[datetime, "When."]
    helped: Annotated[bool, "They got out."]


SCORED = {
    "name": "help",
    "doc": "What helps.",
    "record": Hint,
    "event": Finding,
    "profile": Person,
    "time": "at",
    "label": "helped",
    "segment": "action",
    "inputs": tuple(Input(name, name) for name in ("metres", "age", "action")),
    "features": (Numeric("metres"), Hashed("age"), Hashed("action")),
    "increasing": (),
}


def test_a_decision_knows_the_event_the_profile_and_the_action():
    metres, age, action = _declare(**SCORED).parameters
    assert (metres.required, metres.type.minimum) == (True, None)
    assert (age.required, age.category, age.type.minimum) == (False, True, 0)
    assert (action.required, action.name) == (False, "action")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"profile": None}, "'age' is not known when Finding happens"),
        ({"inputs": (*SCORED["inputs"][:2], Input("action", "a", event="id"))}, "give both one"),
        ({"inputs": (*SCORED["inputs"], Input("person", "p"))}, "'person' is not a field"),
    ],
)
def test_a_decision_knows_nothing_else(changes, message):
    with pytest.raises(SchemaError, match=message):
        _declare(**(SCORED | changes))


def test_a_definition_survives_json():
    definition = usecases.load().use_case("adtech").model.definition
    assert Definition.from_json(json.loads(json.dumps(definition.to_json()))) == definition


def test_a_definition_of_another_format_is_refused():
    with pytest.raises(ValueError, match="format 99"):
        Definition.from_json(_declare().definition.to_json() | {"format": 99})
