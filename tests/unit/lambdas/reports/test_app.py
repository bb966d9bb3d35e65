"""The routes of a report: totals, rows, what is final, paging, and what is refused."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from glue.targets.dynamodb import Item
from lambdas.http.gateway import behind_gateway
from lambdas.ports.report_store import StoreUnavailable
from tests.unit.lambdas.reports.memory import Memory, client, epoch

WATERMARK = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)  # complete through 11:00
BUCKETS = {
    epoch(f"2026-03-01T{at}"): n
    for at, n in {"09:55": 1, "10:00": 2, "10:55": 4, "11:00": 8, "13:00": 16}.items()
}


@pytest.fixture
def api() -> TestClient:
    return client(Memory(BUCKETS, WATERMARK))


def rows(api: TestClient, **query: Any) -> list[tuple[str, int]]:
    answer = api.get("/reports/machines/m/period", params=query)
    assert answer.status_code == 200, answer.text
    return [(r["period_start"][5:16], r["readings"]) for r in answer.json()["rows"]]


def test_totals_are_the_sums_over_all_buckets(api: TestClient) -> None:
    answer = api.get("/reports/machines/m")
    assert answer.status_code == 200
    assert answer.json() == {
        "machine": "m",
        "readings": 31,
        "watts": -31,
        "complete_through": "2026-03-01T11:00:00.000Z",
    }


def test_before_the_first_watermark_nothing_is_complete() -> None:
    api = client(Memory(BUCKETS))
    assert api.get("/reports/machines/m").json()["complete_through"] is None
    found = api.get("/reports/machines/m/period").json()["rows"]
    assert not any(row["final"] for row in found)


def test_rows_are_calendar_periods_of_the_time_zone(api: TestClient) -> None:
    query = {"period": "hours", "timezone": "Europe/Berlin"}
    answer = api.get("/reports/machines/m/period", params=query).json()
    assert answer["machine"] == "m"
    assert (answer["period"], answer["timezone"]) == ("HOURS", "Europe/Berlin")
    assert answer["next"] is None
    assert answer["rows"][0] == {
        "period_start": "2026-03-01T10:00:00+01:00",
        "readings": 1,
        "watts": -1,
        "final": True,
    }
    assert [r["readings"] for r in answer["rows"]] == [1, 6, 8, 16]


def test_a_row_is_final_once_its_last_bucket_is(api: TestClient) -> None:
    answer = api.get("/reports/machines/m/period", params={"period": "HOURS"}).json()
    assert [r["final"] for r in answer["rows"]] == [True, True, False, False]
    day = api.get("/reports/machines/m/period", params={"period": "DAYS"}).json()
    assert [r["final"] for r in day["rows"]] == [False]


def test_a_row_cut_off_by_to_is_final_when_what_is_asked_for_is(api: TestClient) -> None:
    query = {"period": "DAYS", "to": "2026-03-01T11:00:00Z"}
    answer = api.get("/reports/machines/m/period", params=query).json()
    assert [(r["readings"], r["final"]) for r in answer["rows"]] == [(7, True)]


def test_the_range_is_half_open_and_takes_three_forms_of_time(api: TestClient) -> None:
    expected = [("03-01T10:00", 6)]
    for start, end in (
        ("2026-03-01T10:00:00Z", "2026-03-01T11:00:00.000Z"),
        ("2026-03-01T11:00:00+01:00", "2026-03-01T05:00:00-06:00"),
        (epoch("2026-03-01T10:00") * 1000, epoch("2026-03-01T11:00") * 1000),
    ):
        assert rows(api, **{"from": start, "to": end}) == expected


def test_an_unescaped_plus_in_the_offset_is_understood(api: TestClient) -> None:
    answer = api.get("/reports/machines/m/period?from=2026-03-01T14:00:00+01:00")
    assert [r["readings"] for r in answer.json()["rows"]] == [16]


def test_a_bucket_is_in_the_range_if_its_start_is(api: TestClient) -> None:
    assert rows(api, **{"from": "2026-03-01T10:55:00.001Z", "period": "DAYS"}) == [
        ("03-01T00:00", 24)
    ]
    assert rows(api, to="2026-03-01T10:55:00.001Z", period="DAYS") == [("03-01T00:00", 7)]


@pytest.mark.parametrize("desc", ["false", "true"])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_together_are_the_whole(api: TestClient, desc: str, limit: int) -> None:
    whole = rows(api, desc=desc)
    found, query = [], {"desc": desc, "limit": limit}
    for _ in range(10):
        answer = api.get("/reports/machines/m/period", params=query).json()
        assert 0 < len(answer["rows"]) <= limit
        found += [(r["period_start"][5:16], r["readings"]) for r in answer["rows"]]
        if answer["next"] is None:
            break
        query["next"] = answer["next"]
    assert found == whole
    assert whole == sorted(whole, reverse=desc == "true")


def test_an_empty_range_of_a_known_key_has_no_rows(api: TestClient) -> None:
    assert rows(api, **{"from": "2027-01-01T00:00:00Z"}) == []
    same = "2026-03-01T10:00:00Z"
    assert rows(api, **{"from": same, "to": same}) == []


@pytest.mark.parametrize("path", ["/reports/machines/x", "/reports/machines/x/period", "/nowhere"])
def test_what_is_not_there_is_404(api: TestClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


@pytest.mark.parametrize("path", ["/reports/machines/m/", "/reports/machines/m/period/"])
def test_a_path_with_a_slash_too_many_is_unknown_and_never_a_redirect(
    api: TestClient, path: str
) -> None:
    answer = api.get(path, params={"period": "DAYS"})
    assert (answer.status_code, answer.history) == (404, [])
    assert answer.headers["content-type"] == "application/problem+json"


BAD = {
    "from": [
        "yesterday",
        "2026-03-01T10:00:00",
        "2026-02-30T10:00:00Z",
        "9" * 18,
        "",
        "1795251600",
        "2026-03-01T10:00:00+05:60",
    ],
    "to": ["x", "2026-03-01"],
    "period": ["FORTNIGHTS", "", "MINUTES"],
    "timezone": ["Mars/Phobos", "../../etc/passwd", "", "europe/berlin", "localtime", "Factory"],
    "desc": ["perhaps"],
    "limit": ["0", "-1", "1001", "many"],
    "next": ["x", "AAAA", "ü", ""],
    "colour": ["red"],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in BAD.items() for v in vs])
def test_a_bad_parameter_is_400_naming_it(api: TestClient, name: str, value: str) -> None:
    answer = api.get("/reports/machines/m/period", params={name: value})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["parameter"] == name
    assert document["detail"].startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("route", "known"),
    [("", "from, to"), ("/period", "from, to, period, timezone, desc, limit, next")],
)
def test_an_unknown_parameter_is_400_naming_those_there_are(
    api: TestClient, route: str, known: str
) -> None:
    answer = api.get(f"/reports/machines/m{route}", params={"bogus": "1"})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "bogus")
    assert answer.json()["detail"] == f"bogus: unknown parameter; parameters: {known}"


@pytest.mark.parametrize("route", ["", "/period"])
def test_a_parameter_given_twice_is_400(api: TestClient, route: str) -> None:
    answer = api.get(f"/reports/machines/m{route}?to=1000&to=2000")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "to")
    assert answer.json()["detail"] == "to: is repeated 2 times; send it once"


def test_totals_of_a_range_are_the_sums_of_its_buckets(api: TestClient) -> None:
    query = {"from": "2026-03-01T10:00:00Z", "to": epoch("2026-03-01T11:00") * 1000}
    assert api.get("/reports/machines/m", params=query).json()["readings"] == 6
    later = api.get("/reports/machines/m", params={"from": "2026-03-01T11:00:00Z"})
    assert later.json()["readings"] == 24


def test_totals_of_an_empty_range_are_zero_and_of_an_unknown_key_404(api: TestClient) -> None:
    query = {"from": "2027-01-01T00:00:00Z"}
    assert api.get("/reports/machines/m", params=query).json()["readings"] == 0
    assert api.get("/reports/machines/x", params=query).status_code == 404


@pytest.mark.parametrize("route", ["", "/period"])
def test_a_range_may_end_with_the_last_moment_there_is(api: TestClient, route: str) -> None:
    for to in ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59Z"):
        assert api.get(f"/reports/machines/m{route}", params={"to": to}).status_code == 200
    answer = api.get(f"/reports/machines/m{route}", params={"from": "9999-12-31T23:59:59.999Z"})
    assert answer.status_code == 200


@pytest.mark.parametrize("second", [-(2**63), -1, 253_402_300_800, 2**63 - 1])
def test_a_token_with_a_time_that_is_none_is_refused(api: TestClient, second: int) -> None:
    first = api.get("/reports/machines/m/period", params={"limit": 1}).json()["next"]
    forged = base64.urlsafe_b64decode(first)[:12] + second.to_bytes(8, "big", signed=True)
    query = {"limit": 1, "next": base64.urlsafe_b64encode(forged).decode()}
    answer = api.get("/reports/machines/m/period", params=query)
    assert (answer.status_code, answer.json()["parameter"]) == (400, "next")


@pytest.mark.parametrize("path", ["/reports/machines/m", "/reports/machines/m/period", "/health"])
def test_head_answers_as_get_does_without_the_body(api: TestClient, path: str) -> None:
    got, head = api.get(path), api.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert api.head(path + "?bogus=1").status_code == api.get(path + "?bogus=1").status_code


def test_an_unforeseen_error_is_a_problem_that_a_page_can_read() -> None:
    class Broken:
        def get(self, *_: Any) -> None:
            raise RuntimeError("secret")

    api = client(Broken())
    for answer in (
        api.get("/reports/machines/m", headers={"origin": "https://page.example"}),
        api.get("/reports/machines/m/period"),
    ):
        assert (answer.status_code, answer.json()["status"]) == (500, 500)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "secret" not in answer.text
    assert api.head("/reports/machines/m").content == b""


def test_a_range_that_ends_before_it_begins_is_400(api: TestClient) -> None:
    answer = api.get("/reports/machines/m/period", params={"from": "2000", "to": "1000"})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "from")


def test_periods_shorter_than_buckets_are_refused_by_name_of_the_parameter(
    api: TestClient,
) -> None:
    answer = api.get("/reports/machines/m/period", params={"period": "MINUTES"})
    assert "AggregationPeriod, PT5M" in answer.json()["detail"]
    fine = client(Memory(BUCKETS), AggregationPeriod="PT1M")
    assert len(rows(fine, period="MINUTES")) == len(BUCKETS)


def test_a_token_of_another_question_is_refused(api: TestClient) -> None:
    first = api.get("/reports/machines/m/period", params={"limit": 1}).json()
    for other in ({"desc": "true"}, {"period": "DAYS"}, {"timezone": "Asia/Tokyo"}, {"to": "1"}):
        query = {"limit": 1, "next": first["next"], **other}
        answer = api.get("/reports/machines/m/period", params=query)
        assert (answer.status_code, answer.json()["parameter"]) == (400, "next")


@pytest.mark.parametrize("key", ["x", "1.5", "-1", "+7", "007", "99999999999999999999"])
@pytest.mark.parametrize("route", ["", "/period"])
def test_a_key_the_report_cannot_have_is_400(api: TestClient, key: str, route: str) -> None:
    answer = api.get(f"/reports/sites/{key}{route}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "site")


# As they are in a path, and as they are meant.
ODD = {
    "a%2Fb": "a/b",
    "a%2fperiod": "a/period",
    "%2F": "/",
    "..%2F..%2Fsites%2F5": "../../sites/5",
    "a%252Fb": "a%2Fb",
    "100%25": "100%",
    "a%3Fb%23c": "a?b#c",
    "a+b%20c": "a+b c",
    "%C3%A4%F0%9F%98%80": "ä😀",
    "a%00": "a\x00",
}


class Named(Memory):
    """Buckets of the machine of one name, and no other."""

    def __init__(self, name: str) -> None:
        super().__init__(BUCKETS, WATERMARK)
        self.name = name

    def items(
        self, table: str, key: tuple[str, Any], *arguments: Any, **options: Any
    ) -> Iterator[Item]:
        if key[1] == {"S": self.name}:
            yield from super().items(table, (key[0], {"S": "m"}), *arguments, **options)


@pytest.mark.parametrize("sent", ODD)
@pytest.mark.parametrize("route", ["", "/period"])
def test_a_key_may_have_any_character_also_behind_api_gateway(sent: str, route: str) -> None:
    api, path = client(Named(ODD[sent])), f"/reports/machines/{sent}{route}"
    direct = api.get(path)
    assert (direct.status_code, direct.json()["machine"]) == (200, ODD[sent])
    event = {"resource": "/{proxy+}", "path": path, "httpMethod": "GET", "headers": {}}
    event |= {"requestContext": {"stage": "v1"}, "body": None}
    answer = behind_gateway(cast(FastAPI, api.app))(event, None)
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, direct.json())
    assert client(Named("m")).get(path).status_code == 404  # none of another name


def test_a_slash_that_is_not_encoded_separates() -> None:
    api = client(Named("a/b"))
    answer = api.get("/reports/machines/a/b")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Not Found")


def test_a_store_that_does_not_answer_is_503_with_retry_after() -> None:
    class Down:
        def get(self, *_: Any) -> None:
            raise StoreUnavailable("throttled")

    answer = client(Down()).get("/reports/machines/m")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_report_of_the_catalog_is_in_the_openapi_document(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    assert set(document["paths"]) == {
        f"/reports/{path}/{{key}}{rest}"
        for path in ("machines", "sites")
        for rest in ("", "/period")
    }
