"""An API Gateway event in, its response out: over moto's tables."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from glue.targets import dynamodb
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.ports.upserts import Upsert
from lambdas.reports import handler
from tests.unit.lambdas.made_up import CATALOG, FACTORY, PROGRESS_TABLE, TABLES
from tests.unit.lambdas.reports.memory import client


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, store: DynamoStore) -> Iterator[None]:
    monkeypatch.setenv("SDP_TABLES", json.dumps(TABLES))
    monkeypatch.setenv("SDP_PROGRESS_TABLE", PROGRESS_TABLE)
    monkeypatch.setenv("SDP_PARAMETERS", json.dumps({"AggregationPeriod": "PT1M"}))
    monkeypatch.setattr(handler.usecases, "load", lambda names: CATALOG)
    handler.bootstrap.cache_clear()
    yield
    handler.bootstrap.cache_clear()


MEASURES = ("readings",)


def get(path: str, **query: str) -> tuple[int, str, dict[str, Any]]:
    event = {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": {"host": "localhost"},
        "multiValueHeaders": {"host": ["localhost"]},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {k: [v] for k, v in query.items()} or None,
        "requestContext": {"stage": "v1", "path": f"/v1{path}", "httpMethod": "GET"},
        "body": None,
        "isBase64Encoded": False,
    }
    answer = handler.handler(event, None)  # type: ignore[arg-type]
    assert not answer["isBase64Encoded"]
    found = {k.lower(): v for k, v in (answer.get("headers") or {}).items()}
    found |= {k.lower(): v[0] for k, v in (answer.get("multiValueHeaders") or {}).items()}
    return answer["statusCode"], found["content-type"], json.loads(answer["body"])


def count(store: DynamoStore, site: int, period: int, readings: int) -> None:
    row = {"site": site, "period": period, "readings": readings, "version": 1, "generation": 0}
    report = FACTORY.reports[1]
    item = dynamodb.item(report, row)
    store.put([Upsert("t-sites", ("site", "period"), ("generation", "version"), item, MEASURES)])


def test_totals_and_periods_of_what_was_stored(environment: None, store: DynamoStore) -> None:
    for minute, readings in enumerate((1, 2, 4)):
        count(store, 5, minute * 60, readings)
    count(store, 6, 0, 100)
    status, _, document = get("/reports/sites/5")
    assert (status, document) == (200, {"site": 5, "readings": 7, "complete_through": None})
    status, _, document = get("/reports/sites/5/period", period="minutes", desc="true", limit="2")
    assert [r["readings"] for r in document["rows"]] == [4, 2]
    following = document["next"]
    _, _, document = get(
        "/reports/sites/5/period", period="minutes", desc="true", limit="2", next=following
    )
    assert [r["readings"] for r in document["rows"]] == [1]
    assert document["next"] is None


def test_problems_are_text_not_base64(environment: None) -> None:
    status, kind, document = get("/reports/sites/7")
    assert (status, kind) == (404, "application/problem+json")
    assert document["detail"] == "site 7: no events were counted"


def test_a_fault_is_a_problem_document_without_its_cause(
    environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(DynamoStore, "get", fail)
    status, kind, document = get("/reports/sites/5")
    assert (status, kind) == (500, "application/problem+json")
    assert "secret" not in json.dumps(document)
    assert client(object()).get("/reports/machines/m").status_code == 500
