"""What Flink makes of the SQL: the state of a key is kept once, and each record is read once."""

import re
from pathlib import Path

import pytest

from tests.flink.application import run
from usecases import load

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/sdp-adtech"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> str:
    streams = load(("adtech",)).use_case("adtech").streams
    arns = {f"stream.adtech.{stream}": f"{ARN}-{stream}" for stream in streams}
    tables = {"definitions.adtech": "sdp-adtech-definitions"}
    given = {"use_cases": "adtech", "region": "us-east-1", **arns, **tables}
    program = Path(__file__).with_name("plan.py")
    explained = run(tmp_path_factory.mktemp("plan"), program, given)
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
