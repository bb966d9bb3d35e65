"""Ingestion, tried with requests made from its OpenAPI document, right ones and wrong ones."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from schemathesis.generation import GenerationMode

import usecases
from glue.targets.openapi import document
from lambdas.ingest.app import create_app
from tests.unit.lambdas.ingest.gateway import NOW, Memory
from tests.unit.lambdas.properties.cases import CASES, operations, rounds, try_each, validated

CATALOG = usecases.load(("adtech",))
APP = create_app(catalog=CATALOG, stream=Memory(), clock=lambda: NOW)
OPERATIONS = operations(document(CATALOG), APP)
SHARE = CASES // (2 * len(OPERATIONS))
# What JSON Schema has no word for: U+0000 in a text, and times outside 1970 to now.
BEYOND_THE_SCHEMA = {"malformed", "invalid_time", "in_future"}


@rounds(SHARE)
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_document_allows_is_accepted(name: str, cases: int, answers: Counter[int]) -> None:
    def accepted(case: Any) -> int:
        response = validated(case)
        if response.status_code != 202:
            errors = [r["error"] for r in response.json()["results"] if "error" in r]
            if case.path == "/events":  # each record of a mixed request names its event
                errors = [error for error in errors if error["field"] != "/type"]
            assert {error["code"] for error in errors} <= BEYOND_THE_SCHEMA, response.text
        return int(response.status_code)

    allowed = OPERATIONS[name].as_strategy(generation_mode=GenerationMode.POSITIVE)
    try_each(allowed, cases, answers, accepted)


@rounds(SHARE)
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_document_forbids_is_refused_as_documented(
    name: str, cases: int, answers: Counter[int]
) -> None:
    forbidden = OPERATIONS[name].as_strategy(generation_mode=GenerationMode.NEGATIVE)
    try_each(forbidden, cases, answers, lambda case: validated(case).status_code)
