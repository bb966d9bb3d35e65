"""A view of the page over the platform with every use case: it shows what the API answers then."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from glue.instants import from_millis, parse, to_millis, to_wire
from sdpctl.settings import Settings
from tests.local.conftest import PAGE_SECONDS
from tests.local.driver import Event, answered, wait_until
from tests.local.evolving import Whole
from tests.page.browser import PHONE, Reader, reader
from usecases.machines import generator

Row = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """The page's own API, and that of reports, as the page calls them."""

    outputs: dict[str, str]

    @property
    def url(self) -> str:
        """The page's address."""
        return self.outputs["UrlForDashboard"]

    def answer(self, path: str, by: str = "DashboardKey", **query: Any) -> tuple[int, Row]:
        """Status and document; `by` names the key that is sent."""
        headers = {"x-api-key": self.outputs[by]}
        found = answered(f"{self.url}/{path}", params=query, headers=headers)
        return found.status_code, found.json()

    def get(self, path: str, by: str = "DashboardKey", **query: Any) -> Row:
        """The document of a success."""
        status, document = self.answer(path, by, **query)
        assert status == 200, document
        return document


@pytest.fixture(scope="module")
def api(whole: Whole) -> Api:
    """Of the platform with every use case."""
    return Api(dict(whole.outputs))


@pytest.fixture
def person(browser: Browser, api: Api) -> Iterator[Reader]:
    """A reader on a phone; the browser complains about nothing, and calls nobody else."""
    with reader(browser, api.url, viewport=PHONE, timezone_id="Etc/UTC") as made:
        keys = ("ApiKey", "DashboardKey", "DefinitionsKey")
        made.type_keys({name: api.outputs[name] for name in keys})
        yield made
        assert made.complaints == []
        assert made.strangers == []


@pytest.fixture
def page(person: Reader) -> Page:
    """The reader's tab."""
    return person.page


def _is_for_everyone(person: Reader) -> None:
    """It fits a phone, and the accessibility check finds nothing, in the dark neither."""
    assert not person.is_wider_than_the_screen()
    assert person.violations() == []
    person.page.emulate_media(color_scheme="dark")
    assert person.violations("color-contrast") == []
    person.page.emulate_media(color_scheme="light")


def _cells(row: Locator) -> list[str]:
    return [row.locator("th").inner_text(), *row.locator("td").all_inner_texts()]


# --- the report of a machine


def _event(kind: str, stamp: str, at: int, fields: Row) -> Event:
    time_ = to_wire(from_millis(at))
    return {"type": kind, "event_id": f"{stamp}-{kind}-{at}", "occurred_at": time_, **fields}


@pytest.fixture(scope="module")
def thing(whole: Whole, settings: Settings) -> str:
    """A machine whose name is hard to write into an address; its power is known."""
    name = f"hall 2/press 100%-{time.time_ns() // 1_000_000:x}"
    start = to_millis(datetime.now(UTC))
    turns = itertools.cycle((generator.SPEED, generator.TORQUE))
    times = [*range(start, start + 3_000, 250), start + 13_000, start + 23_000, start + 25_000]
    events = [
        _event("measurement", name, at, {"thing": name, "quantity": of, "result": at % 1_000 + 1.0})
        for at, of in zip(times, turns, strict=False)
    ]
    whole.driver(settings, "machines").send(events)
    return name


def test_the_report_of_a_machine_whose_name_has_a_slash_is_shown(
    person: Reader, page: Page, api: Api, thing: str
) -> None:
    path = f"reports/machines/{quote(thing, safe='')}"

    def counted() -> bool:
        return api.answer(path, "ApiKey")[0] == 200

    wait_until(counted, PAGE_SECONDS, lambda: str(api.answer(path, "ApiKey")))
    total = api.get(path, "ApiKey")
    assert total["thing"] == thing and total["count"] > 10
    query = {"report": "machines", "key": thing, "period": "MINUTES", "range": "all"}
    person.open("reports", use_case="machines", paused="1", **query)
    rows = page.get_by_role("region", name=f"machines {thing}").locator("tbody tr")
    expect(rows.first).to_be_visible()
    expect(page.get_by_label("Range")).to_have_value("all")
    answered = api.get(f"{path}/period", "ApiKey", period="MINUTES", desc=True)["rows"]
    shown = [(_cells(row)[0], _cells(row)[1]) for row in rows.all()]
    assert shown == [(_minute(row["period_start"]), f"{row['count']:,}") for row in answered]
    assert sum(row["count"] for row in answered) == total["count"]
    _is_for_everyone(person)


def _minute(instant: str) -> str:
    return f"{parse(instant):%Y-%m-%d %H:%M}"
