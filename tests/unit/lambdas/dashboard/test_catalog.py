"""What the page learns of the deployment, and who may read it."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.unit.lambdas.dashboard.lake import Lake, client


@pytest.fixture
def lake() -> Lake:
    return Lake()


@pytest.fixture
def api(lake: Lake) -> TestClient:
    return client(lake)


def test_the_catalog_describes_each_report_with_its_key_and_measures(api: TestClient) -> None:
    use_case, _ = api.get("/catalog").json()["use_cases"]
    machines, sites = use_case["reports"]
    assert (use_case["name"], use_case["model"]) == ("factory", False)
    assert machines["key"] == {
        "name": "machine",
        "kind": "string",
        "doc": "The machine.",
        "fold": "sum",
    }
    assert [m["name"] for m in machines["measures"]] == ["readings", "watts"]
    assert sites["key"]["kind"] == "integer"
    assert machines["bucket_seconds"] == 300


def test_the_catalog_describes_what_the_views_need(api: TestClient) -> None:
    use_case, idle = api.get("/catalog").json()["use_cases"]
    names = [kind["name"] for kind in use_case["kinds"]]
    assert use_case["definitions"] == names == ["rule", "feature"]
    fields = {field["name"]: field for field in use_case["kinds"][0]["fields"]}
    assert fields["kind_of_event"]["choices"] == ["high"]
    assert (fields["expression"]["role"], fields["expression"]["required"]) == ("expression", True)
    assert (fields["priority"]["kind"], fields["priority"]["required"]) == ("integer", False)
    assert use_case["kinds"][0]["modes"] == ["live", "shadow"]
    assert use_case["kinds"][0]["tested"]
    feature = {field["name"]: field for field in use_case["kinds"][1]["fields"]}
    assert (feature["expression"]["role"], feature["expression"]["choices"]) == ("value", [])
    assert feature["type"]["choices"] == ["bool", "double", "int", "string"]
    assert (feature["type"]["role"], feature["type"]["required"]) == ("result", False)
    levels, outputs = use_case["series"]
    assert (levels["name"], levels["key"], levels["of"]) == ("levels", "machine", "quantity")
    assert (outputs["name"], outputs["key"], outputs["of"]) == ("outputs", "site", None)
    assert (use_case["actions"], use_case["decisions"], use_case["ledger"]) == (True, True, False)
    assert not any(idle[name] for name in ("series", "actions", "decisions", "ledger", "kinds"))


def test_keys_counted_lately_are_listed_page_by_page(lake: Lake, api: TestClient) -> None:
    rows = [("b", "2026-03-02"), ("a", "2026-03-01"), ("a", "2026-03-02"), ("old", "2026-02-27")]
    lake.database.executemany("INSERT INTO parquet_aggregates VALUES (?, ?)", rows)
    assert api.get("/keys/factory/machines").json() == {"keys": ["a", "b"], "next": None}
    first = api.get("/keys/factory/machines", params={"limit": 1}).json()
    assert first["keys"] == ["a"]
    query = {"limit": 1, "next": first["next"]}
    assert api.get("/keys/factory/machines", params=query).json() == {"keys": ["b"], "next": None}
    assert api.get("/keys/factory/machines", params={"prefix": "b"}).json()["keys"] == ["b"]


def test_numbers_are_keys_too(lake: Lake, api: TestClient) -> None:
    lake.database.execute("INSERT INTO parquet_sites VALUES (7, '2026-03-02'), (70, '2026-03-02')")
    answer = api.get("/keys/factory/sites", params={"prefix": "7"}).json()
    assert answer["keys"] == ["7", "70"]


def test_an_unknown_report_is_404_with_the_choices(api: TestClient) -> None:
    answer = api.get("/keys/factory/none")
    assert answer.status_code == 404
    assert "reports: machines, sites" in answer.json()["detail"]


def test_no_other_site_may_read_an_answer(lake: Lake, api: TestClient) -> None:
    """The page has the same origin; another page that knows the key gets nothing."""
    lake.down = True
    for path in ("/catalog", "/dead-letters/factory", "/nothing"):
        answer = api.get(path, headers={"origin": "https://elsewhere.example"})
        assert "access-control-allow-origin" not in answer.headers
    preflight = {"origin": "https://e.example", "access-control-request-method": "GET"}
    answer = api.options("/catalog", headers=preflight)
    assert "access-control-allow-origin" not in answer.headers
