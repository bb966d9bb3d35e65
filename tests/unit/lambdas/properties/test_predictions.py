"""Predictions, tried with requests made from their OpenAPI document, right ones and wrong ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from schemathesis.generation import GenerationMode

import usecases
from glue.targets.openapi import document
from glue.targets.predictions import add_predictions
from tests.unit.lambdas.predict.test_app import Place
from tests.unit.lambdas.properties.cases import CASES, CHECKS, schema_of, tried

CATALOG = usecases.load()


def _document() -> dict[str, Any]:
    """The paths of the prediction API, as they are behind its stage."""
    found = add_predictions(document(CATALOG), CATALOG)
    served = {
        path: {key: value for key, value in item.items() if key != "servers"}
        for path, item in found["paths"].items()
        if path.startswith("/predictions")
    }
    return {**found, "paths": served}


@pytest.fixture(scope="module")
def operation() -> Any:
    place = Place(up=False)
    operations = [r.ok() for r in schema_of(_document(), place.client.app).get_all_operations()]
    return next(o for o in operations if o.path == "/predictions")


def test_what_the_document_allows_is_answered(operation: Any) -> None:
    @tried(CASES // 2)
    @given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def answered(case: Any) -> None:
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        if response.status_code != 200:  # U+0000 in a text: JSON Schema has no word for it
            assert response.json()["code"] == "malformed", response.text

    answered()


def test_what_the_document_forbids_is_refused_as_documented(operation: Any) -> None:
    @tried(CASES // 2)
    @given(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def refused(case: Any) -> None:
        case.validate_response(case.call(), checks=CHECKS)

    refused()
