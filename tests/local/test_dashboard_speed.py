"""The page is fast where a series has 10,000 points.

Answers are made up here, at once, so that the time is the page's alone; it is held to the speed of
the machine at that moment. `make page-speed` measures the same over the lake of the running
platform, in seconds.
"""

from __future__ import annotations

import math
import time
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Route, expect

from glue.instants import from_millis, to_wire
from sdpctl.local.outputs import Outputs
from tests.page import speed
from tests.page.browser import keys_of, reader
from tests.page.made_up import answers, deploy

STEP_MS = 100
FIRST_MS, LONGEST_MS, UPDATE_MS = 2_000, 200, 2_000  # of the reference machine
LINES = {
    "measurements": [{"key": "m", "of": "speed"}, {"key": "m", "of": "torque"}],
    "power": [{"key": "m", "of": None}],
}
SERIES = [
    {"name": "measurements", "doc": "", "key": "thing", "of": "quantity"},
    {"name": "power", "doc": "", "key": "thing", "of": None},
]


def _points(route: Route) -> None:
    """A value for each tenth of a second until now, the newest first, at most 10,000."""
    query = parse_qs(urlsplit(route.request.url).query)
    now, start = (int(time.time() * 1000), int(query["from"][0]))
    times = range(now // STEP_MS * STEP_MS, start, -STEP_MS)
    points = [
        {"at": to_wire(from_millis(at)), "value": 10 * math.sin(at / 9_000) + at % 7}
        for at in times[:10_000]
    ]
    route.fulfill(json={"points": points, "next": "more" if len(times) > 10_000 else None})


def test_ten_thousand_points_a_series_are_soon_there_and_move_each_second(
    browser: Browser, url: str, current: Outputs
) -> None:
    with reader(browser, url) as person:
        page = person.page
        page.add_init_script(speed.WATCH)
        deploy(page, series=SERIES)
        page.route("**/series/shopping/*?*", _points)
        for name, found in LINES.items():
            lines = answers({"lines": found, "next": None})
            page.route(f"**/series/shopping/{name}/lines?*", lines)
        person.type_keys(keys_of(current))
        slow = speed.slowness(page)
        found_speed = speed.measured(person, "m", "shopping")
        expect(page.get_by_text("10,000")).to_have_count(3)
        slow = max(slow, speed.slowness(page))
    assert found_speed.first < FIRST_MS * slow, (slow, str(found_speed))
    assert found_speed.longest < LONGEST_MS * slow, (slow, str(found_speed))
    assert found_speed.between < UPDATE_MS * slow, (slow, str(found_speed))
