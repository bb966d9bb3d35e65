"""The page's editor offers for each kind of definition what the API accepts, and nothing else.

The page is the deployed one in a real browser. The catalog is that of all use cases, and the API is
itself over a store in memory, because the platform of these tests deploys some of them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

import usecases
from glue import UseCase
from glue.definitions import MODES, DefinitionKind
from lambdas.dashboard.describing import describe
from tests.page.browser import Reader
from tests.unit.lambdas.definitions.memory import Door

DAY = {"from": "2026-11-26T00:00:00Z", "to": "2026-11-27T00:00:00Z"}
# A document of each kind that there is.
DOCUMENTS: dict[str, dict[str, Any]] = {
    "rule": {"kind_of_event": "shopping", "expression": "event.balance < 200.0"},
    "template": {
        "kind_of_event": "shopping",
        "channel": "email",
        "title": "Your card",
        "message": "{{ event.balance }} left",
    },
    "threshold": {"kind_of_event": "shopping", "value": 0.5},
    "feature": {"kind_of_event": "shopping", "expression": "event.balance / 100.0"},
    "join": {"r": "speed", "s": "torque", "distance": "PT1S"},
}
KINDS = [
    pytest.param(use_case, kind, id=f"{use_case.name}-{kind.name}")
    for use_case in usecases.load().use_cases
    if use_case.definitions
    for kind in use_case.definitions.kinds
]


def _accepted(door: Door, kind: str) -> list[str]:
    """The modes in which the API takes the kind's document."""
    sent = {mode: {**DOCUMENTS[kind], "mode": mode} for mode in MODES}
    answers = {mode: door.call("PUT", f"/{kind}/in_{mode}", sent[mode]) for mode in MODES}
    return [mode for mode, answer in answers.items() if answer.status_code == 201]


def _offered(form: Locator) -> list[str]:
    """The modes to choose from; without a choice it is live."""
    choice = form.get_by_label("mode", exact=True)
    return choice.locator("option").all_inner_texts() if choice.count() else ["live"]


def _fill(form: Locator, kind: DefinitionKind) -> None:
    form.get_by_label("name", exact=True).fill("mine")
    for name, value in DOCUMENTS[kind.name].items():
        field = form.get_by_label(name.replace("_", " "), exact=True)
        if name == "kind_of_event":
            field.select_option(value)
        else:
            field.fill(str(value))


@pytest.mark.parametrize(("use_case", "kind"), KINDS)
def test_of_each_kind_the_page_offers_what_the_api_accepts(
    person: Reader, page: Page, use_case: UseCase, kind: DefinitionKind
) -> None:
    door, catalog = Door(use_case.name), usecases.load()
    written: list[tuple[str, int]] = []

    def definitions(route: Route) -> None:
        request, sent = route.request, urlsplit(route.request.url)
        path = sent.path[sent.path.index("/definitions/") :]
        body = request.post_data_json
        answer = door.client.request(request.method, f"{path}?{sent.query}", json=body)
        if request.method == "PUT":
            written.append((body["mode"], answer.status_code))
        route.fulfill(status=answer.status_code, json=answer.json())

    described = describe(catalog, catalog.configured({}), ()).model_dump()
    page.route("**/catalog", lambda r: r.fulfill(json=described))
    page.route("**/definitions/**", definitions)
    page.evaluate("sessionStorage.setItem('sdp.DefinitionsKey', 'k')")
    page.reload()
    person.open("definitions", use_case=use_case.name, of=kind.name, edit="new")
    form = page.get_by_role("form", name=f"New {kind.name}")
    _fill(form, kind)
    assert person.violations() == []
    assert _offered(form) == _accepted(door, kind.name)
    sent = {"definition": DOCUMENTS[kind.name], **DAY}
    tested = door.call("POST", f"/{kind.name}/mine/test", sent)
    test = form.get_by_role("button", name="Test with the last day")
    assert (test.count() == 1) == (tested.status_code == 200), tested.text
    form.get_by_role("button", name="Write version 1").click()
    expect(page.locator("summary").first).to_contain_text("version 1")
    assert written == [("live", 201)]
