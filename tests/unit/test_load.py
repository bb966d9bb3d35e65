"""What `make load` concludes from Gatling's summary and the ledger."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from bench.load import Load, Result, figures, problems, search

SUMMARY = """\
> request count                          |     1,200 |     1,200 |         0
> response time 99th percentile (ms)     |       143 |       143 |         -
> accepted events: 119998
"""
GROWN = {"ok": 120_000, "unread": 0, "waiting": 0, "missing": 0, "excess": 0}


def test_the_summary_of_gatling_is_read() -> None:
    assert figures(SUMMARY) == {"ok": 1200, "failed": 0, "p99": 143, "accepted": 119_998}
    with pytest.raises(SystemExit, match="Gatling did not run"):
        figures("BUILD FAILURE")


def test_a_ledger_that_has_all_and_balances_is_right() -> None:
    assert problems(120_000, GROWN, balances=True) == []


@pytest.mark.parametrize("ok", [0, 119_999, 120_001])
def test_a_ledger_that_has_not_what_was_accepted_is_wrong_though_it_balances(ok: int) -> None:
    (problem,) = problems(120_000, GROWN | {"ok": ok}, balances=True)
    assert problem.startswith(f"120,000 events were accepted, and the ledger has {ok:,} more")


def test_a_load_without_an_accepted_event_is_wrong() -> None:
    assert problems(0, GROWN | {"ok": 0}, balances=True)


def test_an_imbalance_is_named() -> None:
    (missing,) = problems(120_000, GROWN | {"missing": 3}, balances=False)
    assert missing.startswith("3 are missing, 0 too many")


@pytest.mark.parametrize("bound", [3, 9.9, 10, 14, 23, 79.5, 320])
def test_the_highest_rate_that_holds_is_found_to_an_eighth(bound: float) -> None:
    tried: list[float] = []

    def holds(rate: float) -> bool:
        tried.append(rate)
        return rate <= bound

    found = search(10, holds)
    assert found is not None
    assert found in tried
    assert found <= bound < found * (1 + 1 / 8) + 1e-9
    assert len(tried) == len(set(tried)) <= 11


def test_a_search_ends_when_no_rate_holds() -> None:
    tried: list[float] = []

    def never(rate: float) -> bool:
        tried.append(rate)
        return False

    assert search(8, never) is None
    assert tried == [8, 4, 2, 1]


def test_a_run_is_one_line() -> None:
    load = Load("adtech", "steady", 10, 100, 30, 1, 1000, "http://localhost", "key")
    result = Result(load, 300, 0, p99=158, accepted=30_000, rest=0, waiting=0, holds=True)
    line = str(result)
    assert line == "steady: 300 requests of 100 adtech events, 0 failed; 1,000 events/s, p99 158 ms"


@pytest.mark.parametrize("use_case", ["adtech", "shopping", "machines"])
def test_there_are_more_events_than_the_requests_need(use_case: str, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    load = Load(use_case, "steady", 5, 20, 4, 2, 1000, "http://localhost", "key")
    waiting = load.generate(file)
    events = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    assert len(events) >= 5 * 20 * (4 + 10)
    assert len({event["event_id"] for event in events}) == load.events
    assert waiting == 0 or use_case == "shopping"
