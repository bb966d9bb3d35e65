"""Ingestion, tried with requests made from its OpenAPI document, right ones and wrong ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from schemathesis.generation import GenerationMode

import usecases
from glue.targets.openapi import document
from lambdas.ingest.app import create_app
from tests.unit.lambdas.ingest.gateway import NOW, Memory
from tests.unit.lambdas.properties.cases import CASES, CHECKS, schema_of, tried

CATALOG = usecases.load()
APP = create_app(catalog=CATALOG, stream=Memory(), clock=lambda: NOW)
SCHEMA = schema_of(document(CATALOG), APP)
OPERATIONS = {f"{o.method} {o.path}": o for o in (r.ok() for r in SCHEMA.get_all_operations())}
SHARE = CASES // (2 * len(OPERATIONS))
# What JSON Schema has no word for: U+0000 in a text, and times outside 1970 to now.
BEYOND_THE_SCHEMA = {"malformed", "invalid_time", "in_future"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_document_allows_is_accepted(name: str) -> None:
    @tried(SHARE)
    @given(OPERATIONS[name].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def accepted(case: Any) -> None:
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        if response.status_code != 202:
            errors = [r["error"] for r in response.json()["results"] if "error" in r]
            if case.path == "/events":  # each record of a mixed request names its event
                errors = [error for error in errors if error["field"] != "/type"]
            assert {error["code"] for error in errors} <= BEYOND_THE_SCHEMA, response.text

    accepted()


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_document_forbids_is_refused_as_documented(name: str) -> None:
    @tried(SHARE)
    @given(OPERATIONS[name].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def refused(case: Any) -> None:
        case.validate_response(case.call(), checks=CHECKS)

    refused()
