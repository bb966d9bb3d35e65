"""The OpenAPI document agrees with what ingestion does."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import usecases
from glue.targets import openapi
from lambdas import openapi as page
from lambdas.http import bodies
from lambdas.ingest import app
from tests.unit.lambdas.ingest.gateway import Gateway

ROOT = Path(__file__).parents[4]
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


WHOLE = page.whole(usecases.load())
OPERATIONS = [
    (path, operation)
    for path, item in WHOLE["paths"].items()
    for method, operation in item.items()
    if method in ("get", "post", "put", "delete")
]


def test_one_document_has_all_apis_each_with_its_server() -> None:
    outputs = {
        path: WHOLE["paths"][path].get("servers", WHOLE["servers"])[0]["url"]
        for path in ("/bid", "/reports/campaigns/{key}", "/predictions", "/definitions/shopping")
    }
    assert [url.strip("{}").removeprefix("UrlFor") for url in outputs.values()] == [
        "API",
        "Reports",
        "Predictions",
        "Definitions",
    ]


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert {"send_events", "get_campaigns_period", "predict"} <= set(names)


def test_every_status_has_a_schema_and_errors_are_problem_documents() -> None:
    for _, operation in OPERATIONS:
        for status, response in operation["responses"].items():
            if status == "304":  # it has no body
                continue
            content = response["content"]
            assert all("schema" in found for found in content.values())
            assert status < "300" or openapi.PROBLEM in content
        assert {"403", "429", "500", "503"} <= set(operation["responses"])


def test_the_type_is_required_where_any_event_may_be_sent() -> None:
    body = WHOLE["paths"]["/events"]["post"]["requestBody"]["content"][openapi.JSON]["schema"]
    one, _ = body["anyOf"]
    for reference in one["oneOf"]:
        schema = WHOLE["components"]["schemas"][reference["$ref"].rpartition("/")[2]]
        assert "type" in schema["required"]
    mapped = one["discriminator"]["mapping"]
    assert mapped["imp"] == mapped["impression"] == "#/components/schemas/AnyImpression"


@pytest.mark.parametrize(
    "command",
    [
        ["spectral", "lint", "--fail-severity", "warn", "docs/openapi.json"],
        ["redocly", "lint", "docs/openapi.json"],
    ],
    ids=["spectral", "redocly"],
)
def test_the_linters_find_nothing(command: list[str]) -> None:
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    done = subprocess.run(
        [ROOT / "node_modules/.bin" / command[0], *command[1:]],
        cwd=ROOT,
        env=os.environ | quiet,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_limits_and_codes_are_those_of_ingestion() -> None:
    assert openapi.MAX_RECORDS == bodies.MAX_RECORDS
    folders = (Path(module.__file__).parent for module in (bodies, app))
    sources = (path for folder in folders for path in folder.glob("*.py"))
    used = {c for s in sources for c in re.findall(r'Rejection\(\s*"(\w+)"', s.read_text("utf-8"))}
    assert used == set(openapi._CODES)
