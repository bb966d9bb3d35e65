"""Predictions, tried with requests made from their OpenAPI document, right ones and wrong ones."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from schemathesis.generation import GenerationMode

import usecases
from glue.targets.openapi import document
from glue.targets.predictions import add_predictions
from tests.unit.lambdas.predict.test_app import Place
from tests.unit.lambdas.properties.cases import CASES, operations, rounds, try_each, validated

CATALOG = usecases.load(("adtech",))


def _document() -> dict[str, Any]:
    """The paths of the prediction API, as they are behind its stage."""
    found = add_predictions(document(CATALOG), CATALOG)
    served = {
        path: {key: value for key, value in item.items() if key != "servers"}
        for path, item in found["paths"].items()
        if path.startswith("/predictions")
    }
    return {**found, "paths": served}


OPERATIONS = operations(_document(), Place(up=False).client.app)
SHARE = CASES // (2 * len(OPERATIONS))


@rounds(SHARE)
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_document_allows_is_answered(name: str, cases: int, answers: Counter[int]) -> None:
    def answered(case: Any) -> int:
        response = validated(case)
        if response.status_code != 200:  # U+0000 in a text: JSON Schema has no word for it
            assert response.json()["code"] == "malformed", response.text
        return int(response.status_code)

    allowed = OPERATIONS[name].as_strategy(generation_mode=GenerationMode.POSITIVE)
    try_each(allowed, cases, answers, answered)


@rounds(SHARE)
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_document_forbids_is_refused_as_documented(
    name: str, cases: int, answers: Counter[int]
) -> None:
    forbidden = OPERATIONS[name].as_strategy(generation_mode=GenerationMode.NEGATIVE)
    try_each(forbidden, cases, answers, lambda case: validated(case).status_code)
