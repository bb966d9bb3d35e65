"""`make page-speed`: how fast the page is with 10,000 points a series of the running platform.

`python -m tests.page.measure`. Needs the use case `machines`. The points are put into the lake, and
each second some more, which the page reads through CloudFront, API Gateway and Athena. Fails above
2 s until the first view, 200 ms of one task, and 1.5 s from one update to the next, times how much
slower than the reference this machine is at that moment: 1, if it does nothing else. The time of
the API itself is printed beside them.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

import usecases
from sdpctl.errors import CommandError
from sdpctl.local import outputs
from sdpctl.local.outputs import Outputs
from sdpctl.settings import Settings
from tests.page import speed
from tests.page.browser import chromium, keys_of, reader
from tests.page.points import SHOWN, Points

FIRST_MS, LONGEST_MS, BETWEEN_MS = 2_000, 200, 1_500
USE_CASE = "machines"
WARM = 3  # calls; a function's first one starts a process


def main() -> int:
    """Print the figures; 1 if one is above its limit."""
    settings = Settings.load()
    current = outputs.read(settings)
    if USE_CASE not in [use_case.name for use_case in current.topology.catalog.use_cases]:
        raise CommandError(f"{USE_CASE} is not deployed; run 'make up USE_CASES=\"{USE_CASE}\"'")
    (use_case,) = usecases.load((USE_CASE,)).use_cases
    points = Points(settings, use_case, f"measured-{time.time_ns() // 1_000_000:x}")
    start = datetime.now(UTC).replace(microsecond=0) - SHOWN * points.step
    with _growing(points, points.put(start, SHOWN)):
        answers = [_answer(current, points) for _ in range(WARM + 1)]
        with chromium() as browser, reader(browser, current.url_for_dashboard or "") as person:
            person.page.add_init_script(speed.WATCH)
            person.type_keys(keys_of(current))
            slow = speed.slowness(person.page)
            found = speed.measured(person, points.thing, USE_CASE)
            slow = max(slow, speed.slowness(person.page))
    limits = tuple(limit * slow for limit in (FIRST_MS, LONGEST_MS, BETWEEN_MS))
    sys.stdout.write(f"{found}\n")
    sys.stdout.write(f"the API answers with one series of them in {answers[-1]:.0f} ms\n")
    sys.stdout.write(
        f"this machine needs {slow:.1f} times as long as the reference; the limits are "
    )
    sys.stdout.write(", ".join(f"{limit:.0f}" for limit in limits) + " ms\n")
    figures = (found.first, found.longest, found.between)
    return int(any(value > limit for value, limit in zip(figures, limits, strict=True)))


@contextmanager
def _growing(points: Points, after: datetime) -> Iterator[None]:
    """Each second there are points of another second."""
    ended = threading.Event()

    def grow() -> None:
        following = after
        while not ended.wait(1.0):
            following = points.put(following, int(1 / points.step.total_seconds()))

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


def _answer(current: Outputs, points: Points) -> float:
    """Milliseconds until the API has answered with all points of one series."""
    path, of = points.lines[0]
    query = {"key": points.thing, "limit": SHOWN, **of}
    headers = {"x-api-key": current.dashboard_key or ""}
    began = time.perf_counter()
    url = f"{current.url_for_dashboard}/{path}"
    httpx.get(url, params=query, headers=headers, timeout=60).raise_for_status()
    return (time.perf_counter() - began) * 1_000


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CommandError as error:
        sys.exit(f"error: {error}")
