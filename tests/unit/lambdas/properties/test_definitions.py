"""Definitions, tried with documents and expressions that are valid, at the limits, and wrong."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

import usecases
from glue.targets.openapi import document
from lambdas.definitions.openapi import add_definitions
from tests.unit.lambdas.definitions.memory import Door
from tests.unit.lambdas.properties.cases import CASES, operations, rounds, try_each, try_operation

DOOR = Door()
CATALOG = usecases.load(("shopping",))
WHOLE = add_definitions(document(CATALOG), CATALOG)
PATHS = {path: item for path, item in WHOLE["paths"].items() if path.startswith("/definitions")}
OPERATIONS = operations({**WHOLE, "paths": PATHS}, DOOR.client.app)
SHARE = CASES // (2 * len(OPERATIONS)) + 1

_ATOMS = st.sampled_from(
    ["event.balance", "event.count", "profile.age", "event.kind", "200.0", "7", '"a"', "true", "x",
     "has(profile.age)", "[1, 2]", "event", "{", "(", ")", "😀", "\n", "timestamp", "dyn(1)"]
)  # fmt: skip
_OPERATORS = st.sampled_from(
    [" < ", " && ", " + ", " in ", "", " ", " == ", ".", " ? true : ", "("]
)
EXPRESSIONS = st.text(max_size=40) | st.lists(st.tuples(_ATOMS, _OPERATORS), max_size=8).map(
    lambda parts: "".join(atom + operator for atom, operator in parts)
)


@rounds(CASES)
def test_any_text_is_an_expression_or_an_error_with_its_place(
    cases: int, answers: Counter[int]
) -> None:
    try_each(EXPRESSIONS, cases, answers, _put)


def _put(expression: str) -> int:
    sent = {"kind_of_event": "shopping", "expression": expression}
    response = DOOR.call("PUT", "/rule/x", content=json.dumps(sent), headers=_JSON)
    assert response.status_code in (201, 400), response.text
    if response.status_code == 400 and response.json()["code"] == "invalid_expression":
        position = response.json()["position"]
        assert 0 <= position["offset"] <= len(expression)
        before = expression[: position["offset"]]
        assert position["line"] == before.count("\n") + 1
        assert position["column"] == len(before) - before.rfind("\n")
    return int(response.status_code)


_JSON = {"content-type": "application/json"}


@rounds(SHARE)
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_made_from_the_document_is_answered_as_it_says(
    name: str, mode: GenerationMode, cases: int, answers: Counter[int]
) -> None:
    try_operation(OPERATIONS[name], mode, cases, answers)
