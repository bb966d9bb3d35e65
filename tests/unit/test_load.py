"""What `make load` concludes from Gatling's summary and the ledger."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from bench.load import Load, figures, problems

SUMMARY = """\
> request count                          |     1,200 |     1,200 |         0
> response time 99th percentile (ms)     |       143 |       143 |         -
"""
GROWN = {"ok": 120_000, "unread": 0, "waiting": 0, "missing": 0, "excess": 0}


def test_the_summary_of_gatling_is_read() -> None:
    assert figures(SUMMARY) == {"ok": 1200, "failed": 0, "p99": 143}
    with pytest.raises(SystemExit, match="Gatling did not run"):
        figures("BUILD FAILURE")


def test_a_ledger_that_has_all_and_balances_is_right() -> None:
    assert problems(False, 120_000, GROWN, balances=True) == []


@pytest.mark.parametrize("ok", [0, 119_999, 120_001])
def test_a_ledger_that_has_not_what_was_accepted_is_wrong_though_it_balances(ok: int) -> None:
    (problem,) = problems(False, 120_000, GROWN | {"ok": ok}, balances=True)
    assert problem.startswith(f"120,000 events were accepted, and the ledger has {ok:,} more")


def test_a_load_without_an_accepted_event_is_wrong() -> None:
    assert problems(False, 0, GROWN | {"ok": 0}, balances=True)


def test_failed_requests_and_an_imbalance_are_named() -> None:
    failed, missing = problems(True, 120_000, GROWN | {"missing": 3}, balances=False)
    assert failed == "requests failed, or p99 is above the limit"
    assert missing.startswith("3 are missing, 0 too many")


@pytest.mark.parametrize("use_case", ["adtech", "shopping", "machines"])
def test_there_are_more_events_than_the_requests_need(use_case: str, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    load = Load(use_case, "steady", 5, 20, 4, 2, 1000, "http://localhost", "key")
    waiting = load.generate(file)
    events = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    assert len(events) >= 5 * 20 * (4 + 10)
    assert len({event["event_id"] for event in events}) == load.events
    assert waiting == 0 or use_case == "shopping"
