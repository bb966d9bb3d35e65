"""Dead letters sent again on the running platform: over HTTP, and by a reader of the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from sdpctl.local.outputs import Outputs
from tests import streams
from tests.local.conftest import PAGE_SECONDS, Refused
from tests.local.driver import Driver, Event, wait_until
from tests.page.browser import PHONE, keys_of, reader

Letter = dict[str, Any]


@pytest.fixture(scope="module")
def api(url: str, current: Outputs) -> httpx.Client:
    """The page's own API."""
    headers = {"x-api-key": current.dashboard_key or ""}
    return httpx.Client(base_url=f"{url}/dead-letters/adtech", headers=headers, timeout=60)


@pytest.fixture(scope="module")
def letter_of(api: httpx.Client, lettered: Refused) -> Callable[[Event], Letter]:
    """The dead letter of a late event, as a dry run has it."""

    def found(event: Event) -> Letter:
        of = list[Letter]()

        def has_it() -> bool:
            answer = api.post("/replay", json={"dry_run": True, "reason": "late", "limit": 100})
            letters = answer.json()["letters"]
            of[:] = [letter for letter in letters if letter["event_id"] == event["event_id"]]
            return bool(of)

        wait_until(has_it, PAGE_SECONDS, lambda: f"no dead letter of {event['event_id']}")
        return of[0]

    return found


def test_of_requests_at_once_and_repeated_ones_one_sends_the_letter(
    api: httpx.Client,
    driver: Driver,
    refused: Refused,
    letter_of: Callable[[Event], Letter],
) -> None:
    event = refused.again[0]
    letter = letter_of(event)
    assert letter["result"] == "ready"
    assert letter["record"] == event
    nothing = api.get("/replay", params={"id": letter["id"]}).json()
    assert (nothing["state"], nothing["sendable"]) == (None, True)

    def send(_: int) -> str:
        answer = api.post("/replay", json={"letters": [{"id": letter["id"]}]})
        return str(answer.json()["letters"][0]["result"])

    with ThreadPoolExecutor(3) as pool:
        results = sorted(pool.map(send, range(3)))
    assert results[0] == "accepted"
    assert set(results[1:]) <= {"accepted_before", "sending"}
    assert send(0) == "accepted_before"
    state = api.get("/replay", params={"id": letter["id"]}).json()
    assert (state["state"], state["event_id"]) == ("accepted", event["event_id"])
    records = streams.records(driver.client("kinesis"), f"{driver.prefix}bcns")
    own = json.dumps(event["event_id"]).encode()
    sent = [r for r in records if own in r["Data"]]
    assert len(sent) == 2  # by its sender, and by the replay
    (became,) = api.get("/replay/outcome", params={"id": letter["id"]}).json()["events"]
    assert became["key"] == event["tx_id"]


def test_the_senders_key_sends_no_dead_letter_again(url: str, current: Outputs) -> None:
    for key in ({}, {"x-api-key": current.api_key}):
        answer = httpx.post(f"{url}/dead-letters/adtech/replay", json={}, headers=key, timeout=60)
        assert answer.status_code == 403


def test_a_reader_corrects_a_letter_and_sends_it_again_on_a_phone_with_the_keyboard(
    browser: Browser,
    url: str,
    current: Outputs,
    refused: Refused,
    letter_of: Callable[[Event], Letter],
) -> None:
    letter = letter_of(refused.again[1])
    with reader(browser, url, viewport=PHONE) as person:
        person.type_keys(keys_of(current))
        page = person.page

        def only_it(route: Route) -> None:
            answer = route.fetch()
            found = answer.json()
            own = [each for each in found["letters"] if each["id"] == letter["id"]]
            route.fulfill(response=answer, json={**found, "letters": own})

        page.route("**/dead-letters/adtech?*", only_it)
        person.open("dead-letters", stage="flink", reason="late", paused="1")
        page.locator("summary").focus()
        page.keyboard.press("Enter")
        record = page.get_by_label("record", exact=True)
        written = record.input_value()
        assert letter["event_id"] in written and "receipt" not in written

        record.fill("{")
        page.get_by_role("button", name="Dry run").click()
        expect(page.get_by_role("alert")).to_contain_text("The record is not JSON")
        record.fill(written.replace('"win_price": ', '"win_price": -'))
        page.get_by_role("button", name="Send again").click()
        expect(page.get_by_role("alert")).to_contain_text("/win_price -")
        expect(page.get_by_role("alert")).to_contain_text("is too small; send 0 or more")
        expect(record).to_be_focused()
        expect(record).to_have_attribute("aria-invalid", "true")
        assert not person.is_wider_than_the_screen()
        assert person.violations() == []

        record.fill(written.replace('"win_price": ', '"win_price": 7'))
        page.get_by_role("button", name="Dry run").click()
        shown = page.get_by_label("The record that would be sent")
        expect(shown).to_contain_text('"win_price": 7')
        assert person.violations() == []
        page.get_by_role("button", name="Send again").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("accepted, ")).to_be_visible()
        expect(record).to_have_count(0)
        expect(page.get_by_text("became (bid)")).to_be_visible()
        assert not person.is_wider_than_the_screen()
        assert person.violations() == []
        assert person.strangers == []
