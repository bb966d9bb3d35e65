"""One platform for all local tests, with ports and data of its own.

While tests are being written, SDP_TEST_RUNNING=1 takes the one that `./sdp up` has started with
the parameters of parameters.py; the tests of the platform's own life must then be left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from sdpctl.local import outputs, platform
from sdpctl.local.outputs import Outputs
from sdpctl.settings import Settings
from tests.local.driver import Auctions, Driver, Event, auctions, wait_until
from tests.local.evolving import evolved, tree, whole  # noqa: F401 - fixtures
from tests.local.machine import Machine
from tests.local.modelling import modelling, scored  # noqa: F401 - fixtures
from tests.local.offering import banking, offering  # noqa: F401 - fixtures
from tests.local.parameters import PARAMETERS
from tests.local.places import of_its_own
from tests.local.surviving import survived  # noqa: F401 - a fixture
from tests.page.browser import Reader, chromium, keys_of, reader

# The model's tests send no events, so that what test_final.py waits for happens beside them. Where
# an event is, is known five minutes after it was sent.
AFTER = {
    "test_faults_closed.py": "test_model.py",
    "test_final.py": "test_model.py",
    "test_find.py": "test_readme.py",
}
# Backfill and replay are of events that became final while the other tests ran. What changes the
# platform's parameters or definitions comes last: deploying the former ones takes minutes.
LAST = [
    "test_backfill.py",
    "test_replay.py",
    "test_updates.py",
    "test_evolution.py",
    "test_chain.py",
    "test_machines.py",
    "test_dashboard_whole.py",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files by name, those of `AFTER` behind the named one, those of `LAST` at the end."""
    items.sort(key=lambda item: _place(item.path.name))


def _place(file: str) -> tuple[int, str, bool]:
    return LAST.index(file) if file in LAST else -1, AFTER.get(file, file), file in AFTER


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A running platform; it is stopped and removed at the end."""
    if os.environ.get("SDP_TEST_RUNNING"):
        yield Settings.load()
        return
    made = of_its_own(tmp_path_factory.mktemp("platform"))
    try:
        platform.up(made, PARAMETERS, platform.Steps())
        yield made
    finally:
        platform.down(made, platform.Steps())


@pytest.fixture(scope="session")
def driver(settings: Settings) -> Driver:
    """A user of the platform."""
    found = outputs.read(settings)
    return Driver(
        found.url_for_api, found.url_for_reports, found.api_key, endpoint=settings.endpoint
    )


@pytest.fixture(scope="session", autouse=True)
def early(driver: Driver) -> Auctions:
    """Auctions of the last whole minute before the tests, ten of their bids sent twice.

    No other event is of that minute. It is final about four minutes later.
    """
    minute = (datetime.now(UTC) - timedelta(seconds=70)).replace(second=0, microsecond=0)
    made = auctions(60, at=minute + timedelta(seconds=30))
    driver.send([*made.events, *made.bids[:10]])
    return made


@dataclass(frozen=True)
class Refused:
    """Events that are accepted and never counted."""

    late: Event
    unmatched: Event
    duplicate: Event
    """Another bid of an auction that has one."""
    again: tuple[Event, Event]
    """Late too; the tests of replays send them again."""


@pytest.fixture(scope="session", autouse=True)
def refused(driver: Driver, early: Auctions) -> Refused:
    """Sent before the tests, because the key of the second closes minutes later."""
    late, *again = auctions(3, at=datetime.now(UTC) - timedelta(hours=1)).bids
    [unmatched] = auctions(1).impressions
    [first] = auctions(1).bids
    duplicate = first | {"event_id": f"{first['event_id']}-other"}
    driver.send([late, *again, unmatched, first, duplicate])
    return Refused(late, unmatched, duplicate, (again[0], again[1]))


@pytest.fixture(scope="session")
def closing(driver: Driver) -> Auctions:
    """Auctions that are almost late, without their clicks; no other event is sent until they close.

    They are final and closed about two minutes later.
    """
    made = auctions(6, at=datetime.now(UTC) - timedelta(seconds=110))
    made.clicks.clear()
    driver.send(made.events)
    driver.await_totals(made.campaign, made.expected)
    return made


@pytest.fixture(scope="session")
def machine(settings: Settings) -> Machine:
    """The machine the platform runs on."""
    return Machine(settings)


# --- the page

PAGE_SECONDS = 180  # the machine is busy


@pytest.fixture(scope="module")
def current(settings: Settings) -> Outputs:
    """Where the page is."""
    return outputs.read(settings)


@pytest.fixture(scope="module")
def url(current: Outputs) -> str:
    """The page's address."""
    assert current.url_for_dashboard
    return current.url_for_dashboard


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests; each has a context of its own."""
    expect.set_options(timeout=PAGE_SECONDS * 1000)
    with chromium() as made:
        yield made


@pytest.fixture
def person(browser: Browser, url: str, current: Outputs) -> Iterator[Reader]:
    """A reader who has typed the keys."""
    with reader(browser, url) as made:
        made.type_keys(keys_of(current))
        yield made


@pytest.fixture
def page(person: Reader) -> Page:
    """The reader's tab."""
    return person.page


@pytest.fixture(scope="module")
def lettered(driver: Driver, url: str, current: Outputs, refused: Refused) -> Refused:
    """Once the lake has the dead letter of the late bid."""
    path = f"{url}/dead-letters/adtech/groups"
    headers = {"x-api-key": current.dashboard_key or ""}

    def has_it() -> bool:
        answer = httpx.get(path, params={"reason": "late"}, headers=headers, timeout=60)
        return answer.status_code == 200 and bool(answer.json()["groups"])

    wait_until(has_it, PAGE_SECONDS, lambda: "no dead letter of a late event in the lake")
    return refused
