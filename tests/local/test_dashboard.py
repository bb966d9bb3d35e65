"""The page in a real browser, over the running platform."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from sdpctl.local.outputs import Outputs
from tests.local.conftest import Refused
from tests.local.driver import Auctions, Driver
from tests.page.browser import DESK, PHONE, VIEWS, Reader, keys_of, reader

SECONDS = 180  # the machine is busy
SECURITY = {
    "content-security-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
}


# --- the address


def test_every_answer_has_the_security_headers_and_no_other_site_may_read_it(
    url: str, current: Outputs
) -> None:
    key = {"x-api-key": current.dashboard_key or "", "origin": "https://elsewhere.example"}
    page = httpx.get(f"{url}/", timeout=60)
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    data = httpx.get(f"{url}/catalog", headers=key, timeout=60)
    assert data.status_code == 200
    for answer in (page, data):
        assert answer.headers.keys() >= SECURITY
        assert "access-control-allow-origin" not in answer.headers


def test_the_senders_key_does_not_open_the_dead_letters(url: str, current: Outputs) -> None:
    for key in ({}, {"x-api-key": current.api_key}):
        answer = httpx.get(f"{url}/dead-letters/adtech", headers=key, timeout=60)
        assert answer.status_code == 403


def test_an_unknown_path_is_no_page(url: str) -> None:
    assert httpx.get(f"{url}/assets/none.js", timeout=60).status_code in (403, 404)


# --- keys


def test_without_keys_it_asks_for_them_and_they_are_nowhere_in_the_address(
    browser: Browser, url: str, current: Outputs
) -> None:
    with reader(browser, url) as person:
        person.open("dead-letters")
        expect(person.page.get_by_role("heading", name="Keys")).to_be_visible()
        keys = keys_of(current)
        person.type_keys(keys)
        person.open("dead-letters")
        expect(person.page.get_by_role("heading", name="Dead letters")).to_be_visible()
        person.page.reload()
        expect(person.page.get_by_role("heading", name="Dead letters")).to_be_visible()
        seen = [person.page.url, *person.requests]
        assert not [s for s in seen for key in keys.values() if key and key in s]


def test_a_wrong_key_is_named(browser: Browser, url: str) -> None:
    with reader(browser, url) as person:
        person.type_keys({"DashboardKey": "wrong"})
        expect(person.page.get_by_role("alert")).to_contain_text("The DashboardKey was refused.")


# --- reports


def test_a_report_has_the_numbers_of_the_api(
    person: Reader, page: Page, driver: Driver, early: Auctions
) -> None:
    driver.await_totals(early.campaign, early.expected, SECONDS)
    key = str(early.campaign)
    person.open("reports", report="campaigns", key=key, period="MINUTES", zone="Asia/Kolkata")
    expect(page.locator("canvas")).to_be_visible()
    expect(page.locator(".scroll tbody tr")).to_have_count(1)
    cells = page.locator(".scroll tbody tr").first.locator("td").all_inner_texts()
    expected = early.expected
    assert cells[:4] == [f"{expected[n]:,}" for n in ("bids", "impressions", "clicks", "spend")]
    (row,) = driver.get(
        f"campaigns/{key}/period", period="MINUTES", timezone="Asia/Kolkata"
    ).json()["rows"]
    shown = page.locator(".scroll tbody tr th").first.inner_text()
    assert shown == row["period_start"][:16].replace("T", " ")
    assert "Asia/Kolkata" in page.locator(".scroll thead").inner_text()


def test_the_address_brings_back_what_was_chosen(person: Reader, page: Page) -> None:
    person.open("reports")
    page.get_by_label("Period").select_option("DAYS")
    page.get_by_label("Range").select_option("604800")
    page.get_by_role("button", name="Pause").click()
    page.reload()
    expect(page.get_by_label("Period")).to_have_value("DAYS")
    expect(page.get_by_label("Range")).to_have_value("604800")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


# --- dead letters


def test_dead_letters_are_grouped_then_listed_with_their_bytes(
    person: Reader, page: Page, lettered: Refused
) -> None:
    person.open("dead-letters")
    page.get_by_role("link", name="late").first.click()
    page.locator("summary").first.click()
    expect(page.locator("pre")).to_contain_text('"tx_id"')
    shown = json.loads(page.locator("pre").inner_text())
    assert shown["type"] == "bid"
    page.get_by_role("button", name="Hexadecimal").click()
    expect(page.locator("pre")).to_contain_text("000000  7b")


def _letters(*ids: str) -> dict[str, Any]:
    letter = {
        "stage": "flink",
        "reason": "late",
        "field": None,
        "detail": None,
        "event_id": None,
        "occurred_at": None,
        "failed_at": "2026-01-01T00:00:00.000Z",
        "source": {"stream": "s", "shard": None, "sequence_number": None},
        "payload": "e30=",
        "encoding": None,
        "payload_length": 4,
    }
    return {"letters": [{**letter, "id": i, "detail": f"letter {i}"} for i in ids], "next": None}


def test_new_letters_wait_until_they_are_wanted_and_a_pause_stops_asking(
    person: Reader, page: Page
) -> None:
    calls: list[str] = []

    def answer(route: Route) -> None:
        calls.append(route.request.url)
        route.fulfill(json=_letters("a") if len(calls) == 1 else _letters("b", "a"))

    page.route("**/dead-letters/adtech?*", answer)
    person.open("dead-letters", stage="flink", reason="late", rate="1")
    expect(page.get_by_text("letter a")).to_be_visible()
    new = page.get_by_role("button", name="1 new")
    expect(new).to_be_visible()
    expect(page.get_by_text("letter b")).to_have_count(0)
    new.click()
    expect(page.locator("summary")).to_have_text([_text("letter b"), _text("letter a")])
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.clock.install()
    before = len(calls)
    page.clock.run_for(60_000)
    assert len(calls) <= before + 1  # the one that was on its way


def _text(end: str) -> re.Pattern[str]:
    return re.compile(re.escape(end) + "$")


# --- for everyone


@pytest.mark.parametrize(("scheme", "screen"), [("light", PHONE), ("dark", DESK)])
def test_each_view_is_accessible_and_fits_a_phone(
    browser: Browser,
    url: str,
    current: Outputs,
    lettered: Refused,
    early: Auctions,
    scheme: Any,
    screen: Any,
) -> None:
    chosen = {
        "reports": {"key": "1"},
        "series": {"key": str(early.campaign), "range": "86400"},
        "dead-letters": {"stage": "flink", "reason": "late"},
    }
    with reader(browser, url, color_scheme=scheme, viewport=screen) as person:
        person.type_keys(keys_of(current))
        for view in VIEWS:
            person.open(view, **chosen.get(view, {}), paused="1")
            person.page.wait_for_load_state("networkidle")
            expect(person.page.get_by_role("heading", level=1)).to_be_visible()
            assert not person.is_wider_than_the_screen(), view
            assert person.violations() == [], view
        assert person.strangers == []


def test_the_keyboard_reaches_the_content_and_opens_a_row(
    person: Reader, page: Page, lettered: Refused
) -> None:
    person.open("dead-letters", stage="flink", reason="late", paused="1")
    page.reload()  # else Tab goes on from where the keys were typed
    expect(page.locator("summary").first).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("pre")).to_be_visible()


def test_the_browser_has_nothing_to_complain_about(
    person: Reader, page: Page, early: Auctions, lettered: Refused
) -> None:
    """Nor the content security policy: all scripts and styles are the page's own."""
    person.open("reports", report="campaigns", key=str(early.campaign), paused="1")
    expect(page.locator("canvas")).to_be_visible()
    for view in ("overview", "ledger", "dead-letters"):
        person.open(view, paused="1")
        expect(page.locator(".scroll tbody tr").first).to_be_visible()
    assert person.complaints == []
    assert person.strangers == []
