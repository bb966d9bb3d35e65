"""Series over HTTP: one value for each time, the newest first, page by page."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.dashboard.series import Lines, Points
from tests.unit.lambdas.dashboard.lake import Lake, client, pages

LEVELS, OUTPUTS = "/series/factory/levels", "/series/factory/outputs"


@pytest.fixture
def lake() -> Lake:
    return Lake()


@pytest.fixture
def api(lake: Lake) -> TestClient:
    return client(lake)


def level(lake: Lake, minutes: float, value: float | None, **changed: Any) -> None:
    """A measurement of minutes ago."""
    row = {"type": "level", "machine": "m", "quantity": "heat", "level": value, **changed}
    lake.insert("parquet_levels", timedelta(minutes=minutes), **row)


def values(api: TestClient, **query: Any) -> list[float]:
    """The values of a list."""
    answer = api.get(LEVELS, params={"key": "m", "of": "heat", **query})
    assert answer.status_code == 200, answer.text
    return [point["value"] for point in answer.json()["points"]]


def test_the_newest_comes_first_and_each_time_has_the_least_of_its_values(
    lake: Lake, api: TestClient
) -> None:
    for minutes, value in ((3, 1.5), (1, 4.0), (1, 2.5), (1, 4.0), (2, -3.0)):
        level(lake, minutes, value)
    level(lake, 1, 9.0, quantity="speed")
    level(lake, 1, 9.0, machine="other")
    level(lake, 1, 9.0, type="reading")
    level(lake, 4, None)
    answer = api.get(LEVELS, params={"key": "m", "of": "heat"}).json()
    Points.model_validate(answer)
    assert answer["points"] == [
        {"at": "2026-03-02T11:59:00.000Z", "value": 2.5},
        {"at": "2026-03-02T11:58:00.000Z", "value": -3.0},
        {"at": "2026-03-02T11:57:00.000Z", "value": 1.5},
    ]
    assert answer["next"] is None


def test_a_range_is_half_open_and_an_hour_by_default(lake: Lake, api: TestClient) -> None:
    for minutes, value in ((90, 3.0), (60, 2.0), (10, 1.0)):
        level(lake, minutes, value)
    assert values(api) == [1.0, 2.0]
    assert values(api, **{"from": "2026-03-02T10:00:00Z"}) == [1.0, 2.0, 3.0]
    assert values(api, **{"from": "2026-03-02T10:30:00Z", "to": "2026-03-02T11:50:00Z"}) == [
        2.0,
        3.0,
    ]


@cache
def _one_api() -> tuple[Lake, TestClient]:
    """What many examples share: an API takes longer to make than to answer."""
    lake = Lake()
    return lake, client(lake)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=15), st.integers(1, 4))
def test_pages_together_are_the_whole(times: list[int], limit: int) -> None:
    lake, api = _one_api()
    lake.database.execute("DELETE FROM parquet_levels")
    for n, minutes in enumerate(times):
        level(lake, minutes + 1, float(n))
    query = {"key": "m", "of": "heat"}
    paged = pages(api, LEVELS, "points", limit=limit, **query)
    assert paged == pages(api, LEVELS, "points", limit=100, **query)
    assert len(paged) == len(set(times))


def test_lines_are_those_of_today_and_yesterday_page_by_page(lake: Lake, api: TestClient) -> None:
    for machine, quantity in (("b", "heat"), ("a", "speed"), ("a", "heat"), ("it's", "heat")):
        level(lake, 5, 1.0, machine=machine, quantity=quantity)
        level(lake, 6, 1.0, machine=machine, quantity=quantity)
    level(lake, 3 * 24 * 60, 1.0, machine="old")
    found = pages(api, f"{LEVELS}/lines", "lines", limit=1)
    assert [(line["key"], line["of"]) for line in found] == [
        ("a", "heat"),
        ("a", "speed"),
        ("b", "heat"),
        ("it's", "heat"),
    ]
    Lines.model_validate(api.get(f"{LEVELS}/lines").json())


def test_a_key_may_be_a_number_and_the_time_another_column(lake: Lake, api: TestClient) -> None:
    for site, amount in ((7, 3), (70, 4)):
        lake.insert("parquet_outputs", timedelta(minutes=1), time="at", site=site, amount=amount)
    lines = api.get(f"{OUTPUTS}/lines").json()["lines"]
    assert lines == [{"key": "7", "of": None}, {"key": "70", "of": None}]
    (point,) = api.get(OUTPUTS, params={"key": "7"}).json()["points"]
    assert point["value"] == 3.0


def test_quotes_in_a_key_are_text(lake: Lake, api: TestClient) -> None:
    level(lake, 1, 1.0, machine="m' OR '1'='1")
    level(lake, 1, 2.0, machine="m")
    answer = api.get(LEVELS, params={"key": "m' OR '1'='1", "of": "heat"}).json()
    assert [point["value"] for point in answer["points"]] == [1.0]


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        (LEVELS, {"key": "m"}, "of"),
        (LEVELS, {"of": "heat"}, "key"),
        (LEVELS, {"key": "m", "of": "heat", "limit": 10_001}, "limit"),
        (LEVELS, {"key": "m", "of": "heat", "next": "x"}, "next"),
        (LEVELS, {"key": "m", "of": "heat", "since": 1}, "since"),
        (LEVELS, {"key": "m", "of": "heat", "from": "2026-03-03T00:00:00Z"}, "from"),
        (OUTPUTS, {"key": "7", "of": "heat"}, "of"),
        (OUTPUTS, {"key": "7 OR TRUE"}, "key"),
        (f"{LEVELS}/lines", {"key": "m"}, "key"),
    ],
)
def test_a_wrong_parameter_is_named(
    api: TestClient, path: str, query: dict[str, Any], parameter: str
) -> None:
    answer = api.get(path, params=query)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_an_unknown_series_is_404_with_the_choices(api: TestClient) -> None:
    answer = api.get("/series/factory/none", params={"key": "m"})
    assert answer.status_code == 404
    assert "series: levels, outputs" in answer.json()["detail"]
    inside = api.get("/series/factory/levels%2Flines", params={"key": "m"})
    assert (inside.status_code, "series: levels, outputs" in inside.text) == (404, True)
    assert "series: none" in api.get("/series/idle/x/lines").json()["detail"]


def test_a_lake_that_cannot_be_read_is_503(lake: Lake, api: TestClient) -> None:
    lake.down = True
    assert api.get(f"{LEVELS}/lines").status_code == 503
