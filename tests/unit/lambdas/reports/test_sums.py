"""Rows of any question add up to the totals; pages add up to the rows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glue.targets.dynamodb import Item
from lambdas.reports.calendar import LENGTHS, Unit
from lambdas.reports.questions import zones
from tests.unit.lambdas.made_up import PROGRESS_TABLE
from tests.unit.lambdas.reports.memory import Memory, client, epoch, every

ZONES = st.sampled_from(sorted(zones()))
YEAR = epoch("2026-01-01")
BUCKETS = {"PT1M": 60, "PT5M": 300, "PT15M": 900, "PT1H": 3600, "PT8H": 28800, "P1D": 86400}


@st.composite
def counted(draw: st.DrawFn) -> tuple[str, dict[int, int], str]:
    """A length of buckets, some buckets of a year, and a unit that is not shorter."""
    name = draw(st.sampled_from(sorted(BUCKETS)))
    size = BUCKETS[name]
    numbers = st.integers(0, 366 * 86400 // size)
    found = draw(st.dictionaries(numbers, st.integers(1, 1000), min_size=1, max_size=40))
    units = [u for u in Unit if LENGTHS[u] >= timedelta(seconds=size)]
    return name, {YEAR + n * size: v for n, v in found.items()}, draw(st.sampled_from(units))


class Older(Memory):
    """What it holds was written before the report had the measure `watts`, totals included."""

    def get(self, table: str, key: Item) -> Item | None:
        if table == PROGRESS_TABLE:
            return None
        return {**key, "readings": {"N": str(sum(self.readings.values()))}, "writes": {"N": "2"}}

    def items(self, *question: Any, **order: bool) -> Iterator[Item]:
        for item in super().items(*question, **order):
            yield {name: value for name, value in item.items() if name != "watts"}


@pytest.mark.parametrize("question", ["", "?from=0", "/period?period=DAYS"])
def test_a_measure_that_a_report_got_later_is_zero_in_what_is_older(question: str) -> None:
    answer = client(Older({YEAR: 3, YEAR + 900: 4})).get(f"/reports/machines/m{question}")
    assert answer.status_code == 200
    found = answer.json()
    sums = found["rows"][0] if "rows" in found else found
    assert (sums["readings"], sums["watts"]) == (7, 0)


@settings(max_examples=60, deadline=None)
@given(what=counted(), zone=ZONES, desc=st.booleans(), limit=st.integers(1, 50))
def test_rows_add_up_to_the_totals_in_every_zone_and_unit(
    what: tuple[str, dict[int, int], str], zone: str, desc: bool, limit: int
) -> None:
    size, readings, unit = what
    api = client(Memory(readings), AggregationPeriod=size)
    total = api.get("/reports/machines/m").json()
    query: dict[str, Any] = {"period": unit, "timezone": zone, "desc": desc}
    whole = api.get("/reports/machines/m/period", params={**query, "limit": 1000}).json()["rows"]
    for measure in ("readings", "watts"):
        assert sum(row[measure] for row in whole) == total[measure]
    starts = [epoch(row["period_start"]) for row in whole]
    assert starts == sorted(set(starts), reverse=desc)

    paged, token = [], None
    while token or not paged:
        more = {"next": token} if token else {}
        page = api.get("/reports/machines/m/period", params={**query, "limit": limit, **more})
        paged += page.json()["rows"]
        token = page.json()["next"]
    assert paged == whole


@settings(max_examples=30, deadline=None)
@given(what=counted(), zone=ZONES, cut=st.integers(YEAR, YEAR + 366 * 86400))
def test_two_ranges_that_meet_add_up_to_the_whole(
    what: tuple[str, dict[int, int], str], zone: str, cut: int
) -> None:
    size, readings, unit = what
    api = client(Memory(readings), AggregationPeriod=size)
    query = {"period": unit, "timezone": zone, "limit": 1000}
    halves = [
        api.get("/reports/machines/m/period", params={**query, side: cut * 1000}).json()["rows"]
        for side in ("to", "from")
    ]
    assert sum(r["readings"] for half in halves for r in half) == sum(readings.values())


def test_a_year_of_buckets_is_a_row_of_days_over_both_changes_of_the_clock() -> None:
    readings = every(timedelta(minutes=15), "2026-01-01T00:00+01:00", "2027-01-01T00:00+01:00")
    api = client(Memory(readings))
    query = {"period": "days", "timezone": "Europe/Berlin", "limit": 1000}
    rows = api.get("/reports/machines/m/period", params=query).json()["rows"]
    counts = {row["period_start"][:10]: row["readings"] for row in rows}
    assert len(rows) == 365
    assert {day: n for day, n in counts.items() if n != 96} == {"2026-03-29": 92, "2026-10-25": 100}
