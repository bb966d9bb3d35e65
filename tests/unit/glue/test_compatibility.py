"""Compatibility: what may follow a released schema, and the errors for all else."""

import copy

import pytest

from glue.compatibility import check
from glue.errors import CompatibilityError
from glue.schema import schema_of
from glue.targets.jsonschema import json_schema
from usecases.adtech.events import Impression

RELEASED = json_schema(schema_of(Impression))


def _changed(change):
    current = copy.deepcopy(RELEASED)
    change(current)
    return current


def _optional_field(schema):
    schema["properties"]["currency"] = {"type": "string"}


def _reworded(schema):
    schema["description"] = schema["properties"]["win_price"]["description"] = "Else."


def _widened(schema):
    del schema["properties"]["win_price"]["minimum"]
    schema["properties"]["tx_id"]["maxLength"] = 200


def _alias(schema):
    schema["x-aliases"].append("shown")


@pytest.mark.parametrize("change", [_optional_field, _reworded, _widened, _alias])
def test_an_addition_is_accepted(change):
    check(RELEASED, _changed(change))


def _set(*path):
    def change(schema):
        *way, name, value = path
        for step in way:
            schema = schema[step]
        schema[name] = value

    return change


def _removed(schema):
    del schema["properties"]["win_price"]


def _new_required(schema):
    _optional_field(schema)
    schema["required"].append("currency")


def _no_longer_required(schema):
    schema["required"].remove("win_price")


BROKEN = {
    "Impression.win_price: was removed; keep it": _removed,
    "Impression.currency: is new and required; make it optional": _new_required,
    "Impression.win_price: became optional; keep it required": _no_longer_required,
    "Impression.win_price: type changed from integer int64 to number; add a new optional field": (
        _set("properties", "win_price", {"type": "number"})
    ),
    "Impression.win_price: minimum narrowed from 0 to 5; keep the released limit": (
        _set("properties", "win_price", "minimum", 5)
    ),
    "Impression.tx_id: maxLength narrowed from 128 to 64": (
        _set("properties", "tx_id", "maxLength", 64)
    ),
    "Impression.win_price: maximum narrowed from none to 9": (
        _set("properties", "win_price", "maximum", 9)
    ),
    "Impression: stream changed from 'bcns' to 'shown'; declare a new class": (
        _set("x-stream", "shown")
    ),
    "Impression: key changed": _set("x-key", "event_id"),
    "Impression: alias 'impression' was removed; keep it": _set("x-aliases", []),
}


@pytest.mark.parametrize("message", BROKEN)
def test_any_other_change_is_refused_with_field_change_and_what_to_do(message):
    with pytest.raises(CompatibilityError) as refused:
        check(RELEASED, _changed(BROKEN[message]))
    assert message in str(refused.value)


def test_an_optional_field_may_not_become_required():
    with pytest.raises(CompatibilityError, match="currency: became required; keep it optional"):
        check(_changed(_optional_field), _changed(_new_required))


def test_a_released_schema_may_not_go():
    with pytest.raises(CompatibilityError, match="Impression: was removed"):
        check(RELEASED, None)


def test_fields_of_nested_objects_are_compared_too():
    nested = {"type": "object", "properties": {"city": {"type": "string"}}, "required": []}
    old = _changed(_set("properties", "place", nested))
    new = copy.deepcopy(old)
    del new["properties"]["place"]["properties"]["city"]
    with pytest.raises(CompatibilityError, match=r"Impression.place.city: was removed"):
        check(old, new)


@pytest.mark.parametrize("fold", ["latest", "minimum", "maximum"])
def test_a_sum_does_not_become_another_fold_or_back(fold):
    released = {**RELEASED, f"x-{fold}": ["win_price"]}
    check(released, released)
    word = "a latest value" if fold == "latest" else f"a {fold}"
    with pytest.raises(CompatibilityError, match=f"win_price: changed from a sum to {word}; add"):
        check(RELEASED, released)
    with pytest.raises(CompatibilityError, match=f"win_price: changed from {word} to a sum; add"):
        check(released, RELEASED)
