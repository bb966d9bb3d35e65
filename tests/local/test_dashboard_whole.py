"""The views of decisions, definitions, models, series and reports over what is really there.

On the platform with every use case. What they show is what the API answers at that time. Events are
sent before the first test; the lake has them some twenty seconds later, while other views are seen.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import usecases
from glue.instants import from_millis, parse, to_millis, to_wire
from sdpctl.settings import Settings
from tests.local.conftest import PAGE_SECONDS
from tests.local.driver import Event, answered, wait_until
from tests.local.evolving import Whole
from tests.local.modelling import Modelling
from tests.page.browser import PHONE, Reader, reader
from tests.page.points import SHOWN, Points
from usecases.machines import generator

Row = dict[str, Any]
(MACHINES,) = usecases.load(("machines",)).use_cases
NOTHING = "\N{EN DASH}"
HIDDEN = 40  # points that are older than those that are shown
# The model first: these sources do not know all that is deployed later.
pytestmark = pytest.mark.usefixtures("modelling", "thing", "shopper")


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

    def rows(self, path: str, name: str, number: int, **query: Any) -> list[Row]:
        """The rows of a list, when there are at least that number."""
        found: list[Row] = []

        def complete() -> bool:
            found[:] = self.get(path, **query)[name]
            return len(found) >= number

        wait_until(complete, PAGE_SECONDS, lambda: f"{path}: {len(found)} of {number}")
        return found


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


def _shown(instant: str) -> str:
    """A time of the API as the page shows it, in UTC."""
    return f"{parse(instant):%Y-%m-%d %H:%M:%S}"


def _cells(row: Locator) -> list[str]:
    return [row.locator("th").inner_text(), *row.locator("td").all_inner_texts()]


def _figure(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"


# --- what is sent


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


@dataclass(frozen=True)
class Shopper:
    """A customer with three business events: the rule is false for the first of them."""

    customer: str
    card: str
    rule: str


@pytest.fixture(scope="module")
def shopper(whole: Whole, settings: Settings) -> Iterator[Shopper]:
    """Two versions of a rule, and debits after the later one is in force.

    In the end it is no longer in force: it is for all customers.
    """
    stamp = f"{time.time_ns() // 1_000_000:x}"
    made = Shopper(f"ada & co/{stamp}", f"page-{stamp}", f"page-{stamp}")
    shopping = {"kind_of_event": "shopping"}
    text = {"channel": "push", "title": "Your card", "message": "{{ event.balance }} left"}
    template = f"shopping/template/{made.rule}"
    whole.definitions("PUT", template, 201, json={**shopping, **text})
    for limit in ("1.0", "124.5"):
        rule = {**shopping, "expression": f"event.balance < {limit}", "action": made.rule}
        version = whole.definitions("PUT", f"shopping/rule/{made.rule}", 201, json=rule)
    start = to_millis(parse(version["valid_from"])) + 1_000
    card = {"card_id": made.card}
    fields: list[tuple[str, Row]] = [
        ("customer", {"customer_id": made.customer, "age": 30, **card}),
        ("balance", {"balance": 130.0, **card}),
        *[("transaction", {"acc_num": 1, "amount": 1.0, **card})] * 7,
    ]
    events = [_event(kind, stamp, start + 10 * n, own) for n, (kind, own) in enumerate(fields)]
    # Visitors in each shard by whom event time passes the debits.
    home = ({"session_id": f"{stamp}-{n}", "page": "home"} for n in range(40))
    events += [_event("page-view", stamp, start + 7_000 + n, own) for n, own in enumerate(home)]
    whole.driver(settings, "shopping").send(events)
    yield made
    whole.definitions("DELETE", f"shopping/rule/{made.rule}", 200)


def _event(kind: str, stamp: str, at: int, fields: Row) -> Event:
    time_ = to_wire(from_millis(at))
    return {"type": kind, "event_id": f"{stamp}-{kind}-{at}", "occurred_at": time_, **fields}


# --- definitions


def test_each_version_of_a_definition_is_shown(
    person: Reader, page: Page, api: Api, shopper: Shopper
) -> None:
    key = "DefinitionsKey"
    path = f"definitions/shopping/rule/{shopper.rule}"
    newest, first = api.get(path, key, history=True)["versions"]
    person.open("definitions", use_case="shopping", kind="rule")
    row = page.locator("tr", has=page.get_by_role("link", name=shopper.rule, exact=True))
    assert _cells(row) == [shopper.rule, "rule", "2", "live", _shown(newest["valid_from"])]
    page.get_by_role("link", name=shopper.rule, exact=True).click()
    expect(page.get_by_text(newest["definition"]["expression"])).to_be_visible()
    page.get_by_text("version 1").click()
    expect(page.get_by_text(first["definition"]["expression"])).to_be_visible()
    _is_for_everyone(person)


# --- models


def test_each_version_of_a_model_is_shown_with_what_the_gate_decided(
    person: Reader, page: Page, api: Api, modelling: Modelling
) -> None:
    versions = api.get("models/adtech", limit=50)["versions"]
    champion = modelling.place.champion()
    assert champion
    person.open("models", use_case="adtech")
    rows = page.get_by_role("region", name="Versions").locator("tbody tr")
    expect(rows).to_have_count(len(versions))
    for row, version in zip(rows.all(), versions, strict=True):
        assert _cells(row)[:3] == [
            version["version"],
            version["status"],
            _shown(version["created_at"]),
        ]
        names = ("log_loss", "champion_log_loss", "auc", "champion_auc", "calibration_error")
        assert _cells(row)[4:9] == [_figure(version[name]) for name in names]
    (in_service,) = (v for v in versions if v["status"] == "in service")
    assert in_service["version"] == champion["version"]
    page.get_by_role("link", name=champion["version"], exact=True).click()
    said = api.get(f"models/adtech/{champion['version']}/evaluation")
    expect(page.get_by_text(f"The gate's decision: {said['decision']}")).to_be_visible()
    for reason in said["reasons"]:
        expect(page.get_by_role("listitem").filter(has_text=reason)).to_be_visible()
    compared = page.get_by_role("region", name="All models on the same rows")
    expected = [m["log_loss"] for n in MODELS if (m := said["models"].get(n))]
    assert _cells(compared.locator("tbody tr").first)[1:] == [_figure(v) for v in expected]
    segments = page.get_by_role("region", name="Segments").locator("tbody tr")
    assert [_cells(row)[0] for row in segments.all()] == [
        one["segment"] for one in said["segments"][:10]
    ]
    _is_for_everyone(person)


MODELS = ("challenger", "champion", "baseline", "base_rate")


# --- ten thousand points


@pytest.fixture(scope="module")
def dense(settings: Settings, whole: Whole) -> tuple[Points, datetime]:
    """More points of three series than the page shows, up to now; and the time of the next."""
    points = Points(settings, MACHINES, f"dense-{time.time_ns() // 1_000_000:x}")
    number = SHOWN + HIDDEN
    start = datetime.now(UTC).replace(microsecond=0) - number * points.step
    return points, points.put(start, number)


def test_of_a_series_the_newest_ten_thousand_points_are_shown_and_new_ones_follow(
    person: Reader, page: Page, api: Api, dense: tuple[Points, datetime]
) -> None:
    """A page of the API has as many; `make page-speed` says how fast they are there."""
    points, after = dense
    person.open("series", use_case="machines", key=points.thing, rate="1", paused="1")
    rows = page.get_by_role("region", name="Newest values").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(page.locator("canvas")).to_have_count(3)
    answers = [api.get(path, key=points.thing, limit=SHOWN, **of) for path, of in points.lines]
    for row, answer in zip(rows.all(), answers, strict=True):
        assert len(answer["points"]) == SHOWN and answer["next"]
        values = [point["value"] for point in answer["points"]]
        cells = _cells(row)
        assert cells[1:3] == ["10,000 newest", _decimal(values[0])]
        mean = sum(values) / len(values)
        assert cells[4:] == [_decimal(v) for v in (min(values), mean, max(values))]
    path, of = points.lines[0]
    rest = api.get(path, key=points.thing, limit=SHOWN, next=answers[0]["next"], **of)
    assert len(rest["points"]) == HIDDEN and not rest["next"]
    points.put(after, 5)
    newest = api.get(path, key=points.thing, limit=1, **of)["points"][0]
    assert newest != answers[0]["points"][0]
    page.get_by_role("button", name="Resume").click()
    expect(rows.first).to_contain_text(_decimal(newest["value"]))
    expect(rows.first).to_contain_text("10,000 newest")
    page.get_by_role("button", name="Pause").click()
    _is_for_everyone(person)


def _decimal(value: float) -> str:
    """As the page shows a number."""
    shown = f"{value:,.3f}"
    return shown.rstrip("0").rstrip(".")


# --- decisions and actions


def test_each_decision_of_a_customer_is_shown_with_what_the_rule_said(
    person: Reader, page: Page, api: Api, shopper: Shopper
) -> None:
    decided = api.rows("decisions/shopping", "decisions", 3, customer=shopper.customer)
    assert [row["passed"] for row in decided] == [True, True, False]  # the newest first
    person.open("decisions", use_case="shopping", customer=shopper.customer, paused="1")
    rows = page.locator(".rows > li")
    expect(rows).to_have_count(3)
    for decision, row in zip(decided, rows.all(), strict=True):
        row.locator("summary").click()
        for text in _said_of(decision):
            expect(row).to_contain_text(text)
    _is_for_everyone(person)
    rows.first.get_by_role("link", name=f"Actions of {shopper.customer}").click()
    expect(page.get_by_label("Show")).to_have_value("actions")
    expect(page.get_by_label("Customer")).to_have_value(shopper.customer)


def _said_of(decision: Row) -> Iterator[str]:
    yield _shown(decision["occurred_at"])
    yield "passed" if decision["passed"] else "stopped"
    for rule in decision["rules"]:
        reason = f": {rule['reason']}" if rule.get("reason") else ""
        shadow = " (shadow)" if rule["mode"] == "shadow" else ""
        yield f"{rule['name']} version {rule['version']}{shadow} is {rule['result']}{reason}"
    for name in ("detail", "subject", "customer_id", "action_id", "trace_id", "id"):
        if decision[name]:
            yield decision[name]


def test_each_action_of_a_customer_is_shown_with_its_state(
    person: Reader, page: Page, api: Api, shopper: Shopper
) -> None:
    """Nobody receives it here: attempts fail, with a reason; in the night it waits."""
    query = {"customer": shopper.customer}
    api.rows("actions/shopping", "actions", 2, **query)
    person.open("decisions", use_case="shopping", list="actions", rate="1", **query)
    rows = page.locator(".rows > li")
    expect(rows).to_have_count(2)
    for row in rows.all():
        row.locator("summary").click()

    def as_the_api_says() -> bool:
        actions = api.get("actions/shopping", **query)["actions"]
        texts = rows.all_inner_texts()
        return all(
            part in text
            for action, text in zip(actions, texts, strict=True)
            for part in _said_of_action(action)
        )

    wait_until(as_the_api_says, PAGE_SECONDS, lambda: str(rows.all_inner_texts()))
    page.get_by_role("button", name="Pause").click()
    _is_for_everyone(person)


def _said_of_action(action: Row) -> Iterator[str]:
    yield f"{action['customer']} by {action['channel']}: {action['message']}"
    yield from (_shown(action["decided_at"]), _shown(action["due_at"]), action["id"])
    assert action["destinations"] or action["outcome"] != "due"
    for name, state in action["destinations"].items():
        error = f": {state['error']}" if state["error"] else ""
        attempts = "1 attempt" if state["attempts"] == 1 else f"{state['attempts']} attempts"
        yield f"{name}\n{state['status']} after {attempts}{error}"


# --- the report and the series of a machine


def test_the_report_of_a_machine_whose_name_has_a_slash_is_shown(
    person: Reader, page: Page, api: Api, thing: str
) -> None:
    path = f"reports/machines/{quote(thing, safe='')}"

    def counted() -> bool:
        status, report = api.answer(path, "ApiKey")
        return status == 200 and report["count"] > 10  # in one minute, or in two

    wait_until(counted, PAGE_SECONDS, lambda: str(api.answer(path, "ApiKey")))
    total = api.get(path, "ApiKey")
    assert total["thing"] == thing
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


def test_the_series_of_a_machine_are_those_that_were_measured(
    person: Reader, page: Page, api: Api, thing: str
) -> None:
    day = {"from": to_wire(datetime.now(UTC) - timedelta(days=1)), "limit": 10_000}
    # What was measured is ahead of the clock.
    day["to"] = to_wire(datetime.now(UTC) + timedelta(minutes=5))
    of = {"key": thing, "of": generator.SPEED}
    api.rows("series/machines/measurements", "points", 7, **of, **day)
    api.rows("series/machines/power", "points", 5, key=thing, **day)
    listed = {"key": thing, "of": None}
    assert listed in api.get("series/machines/power/lines", limit=1000)["lines"]
    person.open("series", use_case="machines", range="86400", paused="1")
    page.get_by_label("thing").fill(thing)
    page.get_by_label("thing").press("Enter")
    expect(page.locator("canvas")).to_have_count(3)
    first = page.get_by_role("region", name="Newest values").locator("tbody tr").first
    series, points, newest = _cells(first)[:3]
    now = api.get("series/machines/measurements", **of, **day)["points"]
    before = [p for p in now if parse(p["at"]) <= datetime.now(UTC)]
    assert series == generator.SPEED
    assert 1 <= int(points) <= len(before)
    assert newest in [f"{point['value']:,.0f}" for point in before]
    _is_for_everyone(person)
