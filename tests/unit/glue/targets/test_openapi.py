"""The OpenAPI document agrees with what ingestion does."""

import re
from pathlib import Path
from typing import Any

import usecases
from glue.targets import openapi
from lambdas.ingest import bodies
from lambdas.ingest import openapi as page
from tests.unit.lambdas.ingest.gateway import Gateway

DOCUMENT = openapi.document(usecases.load())


def test_every_example_is_accepted() -> None:
    for path, item in DOCUMENT["paths"].items():
        content = item["post"]["requestBody"]["content"]
        for example in content[openapi.JSON]["examples"].values():
            assert Gateway().post(path, example["value"]).status == 202
        lines = content[openapi.NDJSON]["example"]
        assert Gateway().post(path, lines, openapi.NDJSON).status == 202


def test_every_reference_is_defined() -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if "$ref" in value else set()
            return own.union(*map(references, value.values()))
        if isinstance(value, list):
            return set().union(*map(references, value))
        return set()

    defined = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert references(DOCUMENT) <= defined


def test_limits_and_codes_are_those_of_ingestion() -> None:
    assert openapi.MAX_RECORDS == bodies.MAX_RECORDS
    sources = Path(bodies.__file__).parent.glob("*.py")
    used = {c for s in sources for c in re.findall(r'Rejection\(\s*"(\w+)"', s.read_text("utf-8"))}
    assert used == set(openapi._CODES)


def test_the_page_is_up_to_date() -> None:
    assert page.PAGE.read_text("utf-8") == page.render()
