"""The views of the page in a real browser, over the running platform.

What the platform of these tests does not have is made up by answers in the place of its API's.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from glue.instants import to_wire
from sdpctl.local.outputs import Outputs
from tests.local.driver import HTTP, Auctions, wait_until
from tests.page.browser import Reader, keys_of, reader
from tests.page.made_up import answers, deploy

SECONDS = 180  # the machine is busy


# --- views of the platform


def _get(url: str, current: Outputs, path: str, **query: Any) -> Any:
    headers = {"x-api-key": current.dashboard_key or ""}
    answer = HTTP.get(f"{url}/{path}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_platform_is_shown_with_the_numbers_of_the_api(
    person: Reader, page: Page, url: str, current: Outputs
) -> None:
    def known() -> bool:
        stages = _get(url, current, "metrics/adtech/stages")["stages"]
        return all(stage["seconds"] is not None for stage in stages)

    wait_until(known, SECONDS, lambda: "a stage was never measured")
    minutes = _get(url, current, "metrics/adtech")["minutes"]
    sent = minutes[2]  # over for a minute
    person.open("overview", paused="1")
    expect(page.locator("canvas")).to_be_visible()
    expect(page.locator(".figures dd")).to_have_count(3)
    for figure in page.locator(".figures dd").all_inner_texts():
        assert re.match(r"\d", figure), figure
    shown = [row.split("\t") for row in page.locator("tbody tr").all_inner_texts()]
    expected = [f"{sent[way]:,}" for way in ("in", "out", "refused")]
    assert expected in [cells[1:4] for cells in shown]


def test_a_series_has_the_values_of_the_api(
    person: Reader, page: Page, url: str, current: Outputs, early: Auctions
) -> None:
    line = {"key": str(early.campaign), "of": None}

    def delivered() -> bool:
        return line in _get(url, current, "series/adtech/prices/lines", limit=1000)["lines"]

    wait_until(delivered, SECONDS, lambda: "the campaign has no line")
    person.open("series", paused="1", range="86400")
    page.get_by_role("link", name=str(early.campaign)).click()
    expect(page.locator("canvas")).to_be_visible()
    day = {"from": to_wire(datetime.now(UTC) - timedelta(days=1)), "limit": 10_000}
    points = _get(url, current, "series/adtech/prices", key=line["key"], **day)["points"]
    cells = page.locator(".scroll tbody tr").first.locator("td").all_inner_texts()
    assert [cells[0], cells[1]] == [f"{len(points):,}", f"{points[0]['value']:,.0f}"]
    page.get_by_text("The newest values of prices").click()
    listed = page.locator("details .number").all_inner_texts()[1:]
    assert listed == [f"{point['value']:,.0f}" for point in points[:50]]


# What is written on the canvas is nowhere else.
WRITTEN = """
window.written = [];
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
  window.written.push(`${text}@${Math.round(place[0])}`);
  return write.call(this, text, ...place);
};
"""


@pytest.mark.parametrize(
    ("seconds", "first", "last"),
    [(0, "09:30", "10:30"), (30, "10:00:00", "10:00:30"), (3 * 3600, "10:00", "13:00")],
    ids=["one point", "half a minute", "three hours"],
)
def test_the_time_axis_of_a_chart_says_which_time_it_is(
    browser: Browser, url: str, current: Outputs, seconds: int, first: str, last: str
) -> None:
    start = datetime(2026, 11, 27, 9, tzinfo=UTC)  # 10:00 in Berlin, where the reader is
    times = (start + timedelta(seconds=n) for n in range(0, seconds + 1, 10))
    points = [{"at": to_wire(at), "value": 1.5} for at in times]
    series = [{"name": "power", "doc": "", "key": "thing", "of": None}]
    with reader(browser, url) as person:
        page = person.page
        page.add_init_script(WRITTEN)
        deploy(page, series=series)
        answer = {"lines": [{"key": "m", "of": None}], "next": None}
        page.route("**/series/shopping/power/lines?*", answers(answer))
        newest_first = {"points": points[::-1], "next": None}
        page.route("**/series/shopping/power?*", answers(newest_first))
        person.type_keys(keys_of(current))
        person.open("series", key="m", paused="1")
        expect(page.locator("canvas")).to_be_visible()
        page.wait_for_function("window.written.length > 4")
        written: list[str] = page.evaluate("[...new Set(window.written)]")
    texts = [text.partition("@")[0] for text in written]  # at different places
    assert "27/11" in texts
    shown = [text for text in texts if ":" in text]
    assert len(shown) >= 3 and len(set(shown)) == len(shown)
    assert first <= min(shown) and max(shown) <= last
    assert {len(text) for text in shown} == {len(first)}


def test_the_ledger_has_the_minutes_of_the_api_and_names_what_is_missing(
    person: Reader, page: Page, url: str, current: Outputs
) -> None:
    minutes = _get(url, current, "ledger/adtech", limit=200)["minutes"]
    person.open("ledger", paused="1")
    oldest = page.locator("tbody tr").last
    expect(oldest).to_be_visible()
    cells = oldest.locator("td").all_inner_texts()
    assert cells[1:4] == [f"{minutes[-1][name]:,}" for name in ("ok", "refused", "unknown")]
    wrong = minutes[-1] | {"missing": 2, "state": "missing"}
    answer = {"minutes": [wrong], "next": None}
    page.route("**/ledger/adtech?*wrong=true*", lambda r: r.fulfill(json=answer))
    page.get_by_label("Minutes", exact=True).select_option("true")
    times = dict.fromkeys(("occurred_at", "received_at"), wrong["minute"])
    lost = {"event_id": "lost-1", "type": "imp", "key": "t1", "state": "missing", **times}
    lost |= {"last_seen": "stream bcns; parquet_bcns, date 2026-01-01, hour 10"}
    missing = {"minute": wrong["minute"], "missing": 2, "records": [lost], "hidden": 3}
    missing |= {"notes": ["1 of the missing cannot be named."]}
    page.route("**/ledger/adtech/missing?minute=*", lambda r: r.fulfill(json=missing))
    page.get_by_role("link", name="2 missing").click()
    expect(page.get_by_role("rowheader", name="lost-1")).to_be_visible()
    for text in (lost["last_seen"], "… and 3 more.", missing["notes"][0]):
        expect(page.get_by_text(text)).to_be_visible()
    assert "minute=20" in page.url
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("rowheader", name="lost-1")).to_be_hidden()


def test_a_use_case_without_a_ledger_is_named(
    person: Reader, page: Page, url: str, current: Outputs
) -> None:
    first = _get(url, current, "catalog")["use_cases"][0]
    both = [first, {**first, "name": "quiet", "ledger": False}]
    page.route("**/catalog", lambda r: r.fulfill(json={"use_cases": both}))
    page.reload()
    person.open("ledger", paused="1")
    expect(page.get_by_text("Without a ledger: quiet; their pipelines")).to_be_visible()
    assert page.get_by_label("Use case").locator("option").all_inner_texts() == [first["name"]]


EVALUATION = {
    "version": "v2",
    "decision": "refuse",
    "reasons": ["it is no better than the champion"],
    "rows": 900,
    "from": "2026-01-01T00:00:00.000Z",
    "through": "2026-01-02T00:00:00.000Z",
    "models": {"challenger": {"log_loss": 0.51234}, "champion": {"log_loss": 0.41234}},
    "segment": "site",
    "segments": [{"segment": "b", "rows": 5, "challenger": 0.6, "reference": 0.5, "gain": -0.1}],
}


def test_a_model_is_shown_with_what_the_gate_decided(person: Reader, page: Page) -> None:
    version = {
        **dict.fromkeys(("auc", "calibration_error", "champion_auc")),
        "version": "v2",
        "status": "refused",
        "created_at": "2026-01-02T00:00:00.000Z",
        "reason": "no better",
        "rows": 900,
        "log_loss": 0.51234,
        "champion": "v1",
        "champion_log_loss": 0.41234,
    }
    answer = {"versions": [version], "next": None}
    page.route("**/models/adtech?*", lambda r: r.fulfill(json=answer))
    page.route("**/models/adtech/v2/evaluation", lambda r: r.fulfill(json=EVALUATION))
    person.open("models")
    page.get_by_role("link", name="v2").click()
    expect(page.get_by_text("it is no better than the champion")).to_be_visible()
    compared = page.get_by_role("region", name="All models on the same rows")
    expect(compared.locator("tbody tr").first).to_have_text("log loss0.51230.4123")
    assert person.violations() == []


def _decision(id_: str) -> dict[str, Any]:
    rule = {"name": "broke", "version": 3, "mode": "live", "result": "false", "reason": "9 < 5"}
    return {
        **dict.fromkeys(("score", "model_version", "action_id", "detail", "trace_id")),
        "id": id_,
        "kind": "kind",
        "subject": "card",
        "customer_id": f"customer {id_}",
        "occurred_at": "2026-01-01T00:00:00.000Z",
        "passed": False,
        "rules": [rule],
    }


def _action(id_: str) -> dict[str, Any]:
    times = dict.fromkeys(("occurred_at", "decided_at", "due_at"), "2026-01-01T00:00:00.000Z")
    dead = {"status": "dead", "attempts": 4, "at": None, "error": "HTTP 410"}
    return {
        **times,
        "id": id_,
        "kind": "kind",
        "channel": "push",
        "customer": "ada",
        "title": "T",
        "message": "little is left",
        "outcome": "due",
        "destinations": {"webhook": dead},
    }


def test_decisions_and_actions_of_a_customer_are_shown_and_new_ones_wait(
    person: Reader, page: Page
) -> None:
    calls: list[str] = []

    def decisions(route: Route) -> None:
        calls.append(route.request.url)
        found = [_decision("a")] if len(calls) == 1 else [_decision("b"), _decision("a")]
        route.fulfill(json={"decisions": found, "next": None})

    deploy(page, decisions=True, actions=True)
    page.route("**/decisions/shopping?*", decisions)
    answer = {"actions": [_action("x")], "next": None}
    page.route("**/actions/shopping?*", lambda r: r.fulfill(json=answer))
    person.open("decisions", customer="ada", rate="1")
    page.get_by_text("kind of customer a").click()
    expect(page.get_by_text("broke version 3 is false: 9 < 5")).to_be_visible()
    expect(page.get_by_text("kind of customer b")).to_have_count(0)
    page.get_by_role("button", name="1 new").click()
    expect(page.get_by_text("kind of customer b")).to_be_visible()
    assert all("customer=ada" in call for call in calls)
    page.get_by_role("button", name="Pause").click()
    assert person.violations() == []
    page.get_by_label("Show").select_option("actions")
    page.get_by_text("little is left").first.click()
    expect(page.get_by_text("dead after 4 attempts: HTTP 410")).to_be_visible()


def _versions(*numbers: int) -> list[dict[str, Any]]:
    return [
        {
            "kind": "rule",
            "name": "broke",
            "version": n,
            "valid_from": f"2026-01-0{n}T00:00:00.000Z",
            "mode": "live",
            "ended": False,
            "definition": {"expression": f"event.balance < {n}.0"},
        }
        for n in numbers
    ]


def test_a_definition_is_shown_with_each_version_that_it_had(person: Reader, page: Page) -> None:
    """The use case of these tests has none, so the answers are made up."""
    deploy(page, definitions=["rule"])
    found = {"definitions": _versions(2), "versions": _versions(2, 1), "next": None}
    page.route("**/definitions/**", answers(found))
    person.open("keys")
    page.evaluate("sessionStorage.setItem('sdp.DefinitionsKey', 'k')")
    person.open("definitions")
    page.reload()
    page.get_by_role("link", name="broke").click()
    expect(page.locator("pre").first).to_contain_text("event.balance < 2.0")
    page.get_by_text("version 1").click()
    expect(page.locator("pre").nth(1)).to_contain_text("event.balance < 1.0")


RULE = {
    "name": "rule",
    "doc": "Whether a business event passes.",
    "fields": [
        {
            "name": name,
            "kind": "string",
            "doc": "What it is.",
            "required": True,
            "role": role,
            "choices": choices,
        }
        for name, role, choices in (
            ("kind_of_event", "event_kind", ["low", "high"]),
            ("expression", "expression", []),
        )
    ],
    "modes": ["live", "shadow"],
    "tested": True,
}


def test_a_definition_is_written_and_an_error_is_shown_where_it_is(
    person: Reader, page: Page
) -> None:
    written: list[tuple[str | None, Any]] = []
    problem = {
        "title": "Bad Request",
        "status": 400,
        "detail": "undeclared reference to 'balanc'",
        "field": "/expression",
        "position": {"offset": 6, "line": 1, "column": 7},
    }

    def definitions(route: Route) -> None:
        if route.request.method != "PUT":
            route.fulfill(json=found)
            return
        written.append((route.request.headers.get("if-match"), route.request.post_data_json))
        if len(written) == 1:
            route.fulfill(status=400, json=problem, content_type="application/problem+json")
        else:
            route.fulfill(status=201, json=_versions(3)[0])

    tried: dict[str, Any] = {
        "events": 9,
        "tested": 4,
        "complete": False,
        "passed": 3,
        "not_passed": 1,
    }
    tried |= {"errors": 0, "differing": 1, "notes": ["only the newest 4 of 9 were looked at"]}
    found = {"definitions": _versions(2), "versions": _versions(2, 1), "next": None}
    deploy(page, definitions=["rule"], kinds=[RULE])
    page.route("**/definitions/**", definitions)
    page.route("**/definitions/**/test", lambda r: r.fulfill(json=tried))
    page.evaluate("sessionStorage.setItem('sdp.DefinitionsKey', 'k')")
    page.reload()
    person.open("definitions", use_case="shopping", of="rule", name="broke", edit="1")
    field = page.get_by_label("expression")
    field.fill("event.balanc < 9.0")
    page.get_by_label("kind of event").select_option("high")
    page.get_by_role("button", name="Test with the last day").click()
    expect(page.get_by_text("not passed")).to_be_visible()
    expect(page.get_by_text("only the newest 4 of 9")).to_be_visible()
    page.get_by_role("button", name="Write version 3").click()
    expect(page.get_by_role("alert")).to_contain_text("undeclared reference to 'balanc'")
    expect(field).to_be_focused()
    expect(page.get_by_label("Line 1, column 7")).to_contain_text("event.balanc < 9.0\n      ^")
    assert person.violations() == []
    field.fill("event.balance < 9.0")
    found |= {"definitions": _versions(3), "versions": _versions(3, 2, 1)}
    page.get_by_role("button", name="Write version 3").click()
    expect(page.get_by_text("version 3")).to_be_visible()
    expect(page.get_by_role("button", name="Write version 4")).to_have_count(0)
    assert [match for match, _ in written] == ['"2"', '"2"']
    assert written[1][1]["expression"] == "event.balance < 9.0"
