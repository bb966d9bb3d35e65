"""What the views say when there is nothing, when something fails, and while an answer takes long.

Answers are made up, on the deployed page in a real browser: no platform is in all these states. In
each of them the page is accessible in both colour schemes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from sdpctl.local.outputs import Outputs
from tests.page.browser import PHONE, Reader, keys_of, reader
from tests.page.made_up import answers, deploy

SERIES = {"name": "s", "doc": "", "key": "k", "of": None}
COLUMN = {"kind": "integer", "doc": "", "fold": "sum"}
REPORT = {
    "path": "sites",
    "name": "Site",
    "doc": "",
    "key": {**COLUMN, "name": "site", "kind": "string"},
    "measures": [{**COLUMN, "name": "count"}],
    "bucket_seconds": 60,
}
DECLARED: dict[str, Any] = {
    **dict.fromkeys(("decisions", "actions", "ledger", "model"), True),
    "definitions": ["rule"],
    "reports": [REPORT],
    "series": [SERIES],
}


@dataclass(frozen=True)
class State:
    """A view, chosen further by `parameters`, whose `path` has an `answer` without rows.

    `text` is what it says then.
    """

    view: str
    path: str
    answer: dict[str, Any]
    text: str
    parameters: dict[str, str] = field(default_factory=dict)

    def open(self, person: Reader) -> None:
        """Go there; what was read for a view before is forgotten."""
        person.open("keys")
        person.open(self.view, paused="1", **self.parameters)


LINE = {"lines": [{"key": "a", "of": None}]}
STATES = (
    State("overview", "**/metrics/shopping?*", {"minutes": []}, "Nothing was sent in this time."),
    State("reports", "**/keys/*/*?*", {"keys": []}, "Enter a site."),
    State(
        "reports",
        "**/reports/sites/a/period?*",
        {"rows": []},
        "Nothing was counted in this range.",
        {"key": "a"},
    ),
    State("series", "**/lines?*", {"lines": []}, "Nothing was measured today or yesterday."),
    State(
        "series",
        "**/series/shopping/s?*",
        {"points": []},
        "Nothing was measured in this range.",
        {"key": "a"},
    ),
    State("decisions", "**/decisions/*?*", {"decisions": []}, "Nothing was decided in this time."),
    State(
        "decisions",
        "**/actions/*?*",
        {"actions": []},
        "No action was decided in this time.",
        {"list": "actions"},
    ),
    State("definitions", "**/definitions/*", {"definitions": []}, "Nothing is defined yet."),
    State("models", "**/models/*?*", {"versions": []}, "No version yet."),
    State("ledger", "**/ledger/*?*", {"minutes": []}, "Nothing was received in this time."),
    State("dead-letters", "**/groups?*", {"groups": []}, "No dead letters: every event"),
)
PROBLEM = {"title": "Service Unavailable", "detail": "it cannot be read now"}


@pytest.fixture
def visitor(browser: Browser, url: str, current: Outputs) -> Iterator[Reader]:
    """A reader on a phone, of a platform whose answers are made up."""
    with reader(browser, url, viewport=PHONE) as person:
        person.type_keys({**keys_of(current), "DefinitionsKey": "k"})
        person.open("keys")  # where nothing is read
        deploy(person.page, **DECLARED)
        person.page.route("**/stages", answers({"stages": []}))
        person.page.route("**/keys/*/*?*", answers({"keys": ["a"]}))
        person.page.route("**/lines?*", answers({**LINE, "next": None}))
        person.complaints.clear()
        yield person


def _is_for_everyone(person: Reader, state: State) -> None:
    """It fits the screen, and the accessibility check finds nothing."""
    assert not person.is_wider_than_the_screen(), state
    person.page.emulate_media(color_scheme="light")
    assert person.violations() == [], state
    person.page.emulate_media(color_scheme="dark")
    assert person.violations("color-contrast") == [], (state, "dark")


def _said(page: Page, state: State) -> None:
    expect(page.get_by_text(state.text)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_nothing_to_show_is_reported(visitor: Reader) -> None:
    page = visitor.page
    for state in STATES:
        page.route(state.path, answers({**state.answer, "next": None}), times=1)
        state.open(visitor)
        _said(page, state)
        _is_for_everyone(visitor, state)
    assert visitor.complaints == []


def test_an_error_is_reported_and_can_be_tried_again(visitor: Reader) -> None:
    page = visitor.page
    for state in STATES:
        page.route(state.path, answers({**state.answer, "next": None}), times=1)
        page.route(state.path, lambda r: r.fulfill(status=503, json=PROBLEM), times=1)
        state.open(visitor)
        expect(page.get_by_role("alert")).to_contain_text("it cannot be read now")
        expect(page.get_by_text(state.text)).to_have_count(0)  # it is not known
        _is_for_everyone(visitor, state)
        page.get_by_role("button", name="Try again").click()
        _said(page, state)
        expect(page.get_by_role("alert")).to_have_count(0)


def test_a_slow_answer_is_reported(visitor: Reader) -> None:
    page, waiting = visitor.page, list[Route]()

    def keep(route: Route) -> None:
        waiting.append(route)

    page.clock.install()
    for state in STATES:
        page.route(state.path, keep, times=1)
        state.open(visitor)
        expect(page.get_by_text("Loading…").last).to_be_visible()
        page.clock.fast_forward(4_000)
        expect(page.get_by_text("Still loading").last).to_be_visible()
        expect(page.get_by_text(state.text)).to_have_count(0)  # it is not known
        _is_for_everyone(visitor, state)
        waiting.pop().fulfill(json={**state.answer, "next": None})
        _said(page, state)


def test_a_platform_without_use_cases_is_reported(visitor: Reader) -> None:
    page = visitor.page
    page.route("**/catalog", answers({"use_cases": []}))
    page.reload()
    for view in dict.fromkeys(state.view for state in STATES):
        visitor.open(view)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_text("deployed")).to_be_visible()
        assert visitor.violations() == [], view


NONSENSE = {
    **dict.fromkeys(
        ("range", "rate", "period", "zone", "report", "use_case", "measure"), "no/such"
    ),
    **dict.fromkeys(("list", "minute", "wrong", "of", "kind", "edit", "stage", "field"), "no/such"),
}
"""Parameters of the address, as a person may have them from another version or a letter."""


def test_an_address_with_nonsense_leads_to_what_is_usual(visitor: Reader) -> None:
    page, requested = visitor.page, list[str]()

    def answer(route: Route) -> None:
        requested.append(route.request.url)
        state = next(s for s in STATES if s.view == view and "key" not in s.parameters)
        route.fulfill(json={**state.answer, "missing": 0, "records": [], "next": None})

    for state in STATES:
        page.route(state.path, answer)
    page.route("**/ledger/*/missing?*", answer)
    page.route("**/definitions/**", answer)
    for view in dict.fromkeys(state.view for state in STATES):
        visitor.open("keys")
        with page.expect_response(lambda response: response.url == requested[-1]):
            requested.append("")
            visitor.open(view, **NONSENSE)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for label in ("Range", "Failed", "Update", "Use case", "Period"):
            field_ = page.get_by_label(label, exact=True)
            if field_.count():
                expect(field_).not_to_have_value("no/such")
                expect(field_).not_to_have_value("")
    assert visitor.complaints == []
    assert not [url for url in requested if "NaN" in url]
