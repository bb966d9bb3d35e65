"""What Flink makes of the SQL: the state of a key is kept once, and each record is read once."""

import re
from pathlib import Path

import pytest

from tests.flink.application import run
from usecases import load

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/sdp"
EVENTS = {"shopping": "activity", "machines": "measurements"}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _plan(tmp_path_factory.mktemp("plan"), "adtech")


def _plan(folder: Path, use_case: str) -> str:
    streams = load((use_case,)).use_case(use_case).streams
    arns = {f"stream.{use_case}.{stream}": f"{ARN}-{use_case}-{stream}" for stream in streams}
    tables = {f"definitions.{use_case}": f"sdp-{use_case}-definitions"}
    given = {"use_cases": use_case, "region": "us-east-1", **arns, **tables}
    explained = run(folder, Path(__file__).with_name("plan.py"), given)
    return explained.partition("== Optimized Execution Plan ==")[2]


def test_the_records_reach_the_operator_as_they_are(plan: str) -> None:
    """No calculation before it, which would copy each text, and nothing that changes time."""
    (sink,) = re.findall(r"Sink\(table=\[default_catalog\.adtech\.auctions\].*\n(.*)", plan)
    assert sink.startswith(("+- TableSourceScan(", "+- Reused(")), sink
    assert "MiniBatchAssigner" not in plan


def test_the_events_are_read_once(plan: str) -> None:
    assert plan.count("table=[[default_catalog, adtech, bcns") == 1


def test_closed_auctions_reach_the_scores_as_they_are(plan: str) -> None:
    (sink,) = re.findall(r"Sink\(table=\[default_catalog\.adtech\.scoring\].*\n(.*)", plan)
    assert sink.startswith(("+- TableSourceScan(", "+- Reused(")), sink


def test_each_result_has_its_sink(plan: str) -> None:
    sinks = re.findall(r"Sink\(table=\[default_catalog\.adtech\.(\w+)\]", plan)
    results = ["aggregates", "clicks", "dead_letters", "impressions", "progress", "transactions"]
    assert sorted(sinks) == sorted(["auctions", "scoring", "sdp_ledger", *results])


def test_state_is_kept_for_keys_counts_and_progress_alone(plan: str) -> None:
    """Joins, deduplications and sorts would keep their rows for ever or by a time to live."""
    stateful = re.findall(
        r"\b(\w*(?:Join|Aggregate|Deduplicate|Rank|Sort\w*|Over\w*))\(group", plan
    )
    assert stateful == ["GroupAggregate", "GroupAggregate"]  # of the report, of the ledger
    assert not re.search(r"\b(Join|IntervalJoin|Deduplicate|Rank|OverAggregate|Sort)\(", plan)


@pytest.mark.parametrize("use_case", ["shopping", "machines"])
def test_an_event_is_checked_once_for_all_that_reads_it(use_case: str, tmp_path: Path) -> None:
    """Not by each statement: the checks are the largest part of what SQL does with an event."""
    plan = _plan(tmp_path, use_case)
    assert plan.count("/type is missing") == 1
    assert plan.count(f"table=[[default_catalog, {use_case}, {EVENTS[use_case]}, metadata=") == 1
