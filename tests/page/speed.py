"""How fast the page is: the first view, its longest task, and the time between two updates."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.page.browser import PATIENCE_MS, Reader

CHARTS = 3
UPDATES = 6
# What a machine of these days needs for the calibration; a slower one takes longer for the page.
REFERENCE_MS = 60.0
CALIBRATE = """() => {
  const started = performance.now();
  const numbers = Float64Array.from({ length: 400_000 }, (_, n) => (n * 7919) % 104729);
  for (let n = 0; n < 4; n++) numbers.slice().sort();
  return performance.now() - started;
}"""
WATCH = f"""
window.longest = 0;
window.changes = [];
new PerformanceObserver((list) => {{
  for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
}}).observe({{ type: "longtask", buffered: true }});
new MutationObserver(() => {{
  if (document.querySelectorAll("canvas").length < {CHARTS}) return;
  const row = document.querySelector(".scroll tbody tr")?.textContent;
  if (row === window.row) return;
  window.row = row;
  window.changes.push(performance.now());
}}).observe(document, {{ childList: true, subtree: true, characterData: true }});
"""


@dataclass(frozen=True)
class Speed:
    """Milliseconds: until the first view, of the longest task, and the median between updates."""

    first: float
    longest: float
    between: float

    def __str__(self) -> str:
        return (
            f"first view {self.first:.0f} ms, longest task {self.longest:.0f} ms, "
            f"{self.between:.0f} ms from one update to the next"
        )


def measured(person: Reader, key: str, use_case: str) -> Speed:
    """The speed of the series of a key, updated each second, in a tab that runs `WATCH`."""
    page = person.page
    person.open("series", use_case=use_case)
    page.locator(".choices a").first.wait_for()  # of many keys, it may not be among those listed
    began = page.evaluate("performance.now()")
    person.open("series", use_case=use_case, key=key, rate="1")
    _await_updates(page)
    changes: list[float] = page.evaluate("window.changes")
    between = statistics.median(b - a for a, b in itertools.pairwise(changes))
    return Speed(changes[0] - began, page.evaluate("window.longest"), between)


def slowness(page: Page) -> float:
    """How much slower than the reference this machine is now; 1 for a faster one."""
    return max(1.0, page.evaluate(CALIBRATE) / REFERENCE_MS)


def _await_updates(page: Page) -> None:
    """A loop here: answers that are made up are given meanwhile."""
    for _ in range(PATIENCE_MS // 100):
        if page.evaluate("window.changes.length") > UPDATES:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"after {PATIENCE_MS} ms: {page.evaluate('window.changes')}")
