"""What is wrong in a request of the page's, or in its address, is named; over the real API."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sdpctl.local.outputs import Outputs
from tests.local.driver import answered
from tests.page.browser import Reader

PRICES = "series/adtech/prices"
LATE, EARLY = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"
ODD = "<b>'\";--/%2F ä😀\\"


@pytest.fixture
def headers(current: Outputs) -> dict[str, str]:
    """Those of a reader with the page's key."""
    return {"x-api-key": current.dashboard_key or ""}


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("series/adtech/none?key=1", "series: prices"),
        ("series/adtech/prices%2Flines?key=1", "series: prices"),
        ("series/adtech/none/lines", "series: prices"),
        ("series/nobody/prices?key=1", "'nobody' is not deployed; deployed: adtech"),
        (f"{PRICES}/points", "Not Found"),
    ],
)
def test_an_unknown_series_is_404_with_the_choices(
    url: str, headers: dict[str, str], path: str, named: str
) -> None:
    answer = answered(f"{url}/{path}", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert named in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "parameter", "named"),
    [
        ({}, "key", "required"),
        ({"key": "x" * 257}, "key", "256"),
        ({"key": "7 OR TRUE"}, "key", "'7 OR TRUE' is not an integer"),
        ({"key": ODD}, "key", "is not an integer"),
        ({"key": ["1", "2"]}, "key", "is repeated 2 times; send it once"),
        ({"key": "1", "of": "speed"}, "of", "leave it out"),
        ({"key": "1", "from": LATE, "to": EARLY}, "from", "is after `to`"),
        ({"key": "1", "from": "yesterday"}, "from", "RFC 3339"),
        ({"key": "1", "to": "2026-02-30T00:00:00Z"}, "to", "the time does not exist"),
        ({"key": "1", "limit": "10001"}, "limit", "10000"),
        ({"key": "1", "limit": "0"}, "limit", "1"),
        ({"key": "1", "next": "x"}, "next", ""),
        ({"key": "1", "since": "1"}, "since", "parameters: key, of, from, to, limit, next"),
    ],
)
def test_a_wrong_parameter_of_a_series_is_named(
    url: str, headers: dict[str, str], query: dict[str, Any], parameter: str, named: str
) -> None:
    answer = answered(f"{url}/{PRICES}", params=query, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    problem = answer.json()
    assert problem["parameter"] == parameter
    assert problem["detail"].startswith(f"{parameter}: ") and named in problem["detail"]


@pytest.mark.parametrize(
    ("view", "parameters", "named"),
    [
        ("reports", {"report": "campaigns", "key": ODD}, "is not an integer"),
        ("models", {"version": "../v1"}, "evaluation"),
        ("ledger", {"minute": "yesterday"}, "minute: "),
        ("dead-letters", {"reason": "x" * 300}, "reason: "),
    ],
)
def test_the_page_shows_what_the_api_says_about_its_address(
    person: Reader, page: Page, view: str, parameters: dict[str, str], named: str
) -> None:
    person.open(view, paused="1", use_case="adtech", **parameters)
    expect(page.get_by_role("alert")).to_contain_text(named)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert person.violations() == []


def test_a_name_with_odd_characters_is_a_text(person: Reader, page: Page) -> None:
    person.open("series", use_case="adtech", key=ODD, paused="1")
    expect(page.get_by_text("Nothing")).to_be_visible()
    expect(page.get_by_label("campaign_item_id")).to_have_value(ODD)
    assert person.violations() == []
    assert person.complaints == []
