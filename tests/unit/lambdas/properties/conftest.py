"""What the property tests tried, in the summary of `make properties`."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

ANSWERS = "answers"


@pytest.fixture
def answers(record_property: Callable[[str, object], None]) -> Iterator[Counter[int]]:
    """The answers of a test by status."""
    counted: Counter[int] = Counter()
    yield counted
    record_property(ANSWERS, dict(counted))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The cases of each API with their statuses, and the seconds of all its tests together."""
    if "SDP_CASES" not in os.environ:
        return
    counted: dict[str, Counter[int]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    for report in (r for found in terminalreporter.stats.values() for r in found):
        for name, value in getattr(report, "user_properties", []):
            if name == ANSWERS and report.when == "teardown":
                api = report.location[0].rpartition("test_")[2].removesuffix(".py")
                counted[api].update({int(status): count for status, count in value.items()})
        if getattr(report, "when", "") == "call":
            api = report.location[0].rpartition("test_")[2].removesuffix(".py")
            seconds[api] += report.duration
    for api, statuses in sorted(counted.items()):
        each = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
        terminalreporter.write_line(
            f"{api}: {statuses.total():,} cases in {seconds[api]:,.0f} s ({each})"
        )
