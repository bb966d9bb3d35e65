"""The function: which hours it takes on, what it answers, and what stops it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import usecases
from glue import Catalog
from glue.targets.lake import LakeTable, lake_tables
from lambdas.compact.handler import LONGEST_STEP_MS, Handler, limits
from lambdas.compact.request import RequestError
from lambdas.lakestore.hours import Hour
from lambdas.lakestore.partitions import Placement
from tests.unit.lambdas.compact.memory import START, Clock, Memory, compaction

CATALOG: Catalog = usecases.load(("adtech",))
FIRST, SECOND = lake_tables(CATALOG.use_cases[0])[:2]


@pytest.fixture
def lake() -> Memory:
    """Two tables with two hours each."""
    memory = Memory()
    for table in (FIRST, SECOND):
        for hour in _hours(table):
            memory.deliver("one", ["a"], hour)
            memory.deliver("two", ["b"], hour)
    return memory


@pytest.fixture
def handler(lake: Memory, tmp_path: Path) -> Handler:
    return Handler(compaction(lake, tmp_path, Clock(START + timedelta(days=1))), CATALOG)


def _hours(table: LakeTable) -> list[Hour]:
    return [Hour(table, START), Hour(table, START + timedelta(hours=1))]


def forever() -> int:
    return LONGEST_STEP_MS


def test_the_schedule_compacts_every_hour_that_waits(handler: Handler, lake: Memory) -> None:
    done = handler({"source": "aws.events"}, forever)["hours"]
    assert [(h["table"], h["hour"], h["action"]) for h in done] == [
        (t.parquet, hour, "compacted") for t in (FIRST, SECOND) for hour in ("10", "11")
    ]
    assert done[0]["files_before"] == 2
    assert (done[0]["rows"], done[0]["files_after"]) == (2, 1)
    assert handler({}, forever) == {"hours": []}


def test_a_request_may_name_a_table_a_day_and_an_hour(handler: Handler) -> None:
    requested = {"table": SECOND.record, "date": "2026-11-21", "hour": "11"}
    (done,) = handler(requested, forever)["hours"]
    assert (done["table"], done["date"], done["hour"]) == (SECOND.parquet, "2026-11-21", "11")


def test_a_dry_run_says_what_would_be_done(handler: Handler, lake: Memory) -> None:
    before = dict(lake.stored)
    done = handler({"dry_run": True, "table": FIRST.parquet}, forever)["hours"]
    assert [h["action"] for h in done] == ["would be compacted"] * 2
    assert lake.stored == before


@pytest.mark.parametrize(
    "requested", [{"table": "nothing"}, {"date": "yesterday"}, {"hour": "24"}, {"use_case": "none"}]
)
def test_what_cannot_be_is_refused(handler: Handler, requested: dict[str, str]) -> None:
    with pytest.raises(RequestError, match=next(iter(requested.values()))):
        handler(requested, forever)


def test_no_hour_is_begun_that_may_not_be_finished(handler: Handler, lake: Memory) -> None:
    left = iter([LONGEST_STEP_MS] * 3)
    done = handler({}, lambda: next(left, 0))["hours"]
    assert 0 < len(done) < 4


def test_one_hour_that_fails_does_not_hold_up_the_others(handler: Handler, lake: Memory) -> None:
    lake.stored[f"{_hours(FIRST)[0].delivered}one"] = b"[]"
    lake.placements[str(_hours(FIRST)[0])] = Placement("elsewhere/", "000001-x", START)
    broken = replace(handler, compact=replace(handler.compact, merger=_Broken("a")))  # type: ignore[arg-type]
    with pytest.raises(ExceptionGroup) as raised:
        broken({}, forever)
    assert len(raised.value.exceptions) == 4
    assert len(handler({}, forever)["hours"]) == 4


class _Broken:
    """Merges nothing."""

    def __init__(self, engine: str) -> None:
        self.engine = engine

    def merge(self, *_: object) -> None:
        from lambdas.compact.ports import MergeError

        raise MergeError("cannot")


def test_limits_come_from_the_deployment() -> None:
    found = limits({"closed_after": "PT5M", "grace": "P1D", "file_mib": "64"})
    assert (found.closed_after, found.grace) == (timedelta(minutes=5), timedelta(days=1))
    assert found.file_bytes == 64 * 2**20
