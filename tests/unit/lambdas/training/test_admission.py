"""One run at a time and so much a day, on DynamoDB's own conditions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas.adapters.ledger import DynamoLedger
from lambdas.ports.training import ENDPOINT
from lambdas.training import admission
from lambdas.training.admission import Limits, Run, finish, reserve
from tests.unit.lambdas.training.fakes import Running

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LIMITS = Limits(runs_per_day=3, minutes_per_day=100, minutes_per_run=40, lock_minutes=60)
NAMES = ("one", "two", "three", "four")
ONE, TWO, THREE, FOUR = (Run(name, NOW) for name in NAMES)
DONE = {"lock": {"held": True}, "data": {"status": "ready", "rows": 5}, "promotion": {"v": 1}}


def lock(
    ledger: DynamoLedger, run: Run, now: datetime, limits: Limits, running: Running | None = None
) -> dict[str, Any]:
    return admission.lock(ledger, running or Running(*NAMES), run, now, limits)


def _end(ledger: DynamoLedger, run: Run, minutes: int) -> None:
    state = {
        **DONE,
        "budget": {"granted": True, "minutes": 40},
        "training": {"seconds": 60 * minutes - 1},
    }
    finish(ledger, run, state, NOW)


def test_one_run_holds_the_lock_and_the_other_is_told_who(ledger: DynamoLedger) -> None:
    assert lock(ledger, ONE, NOW, LIMITS) == {"held": True, "holder": "one"}
    assert lock(ledger, TWO, NOW, LIMITS) == {"held": False, "holder": "one"}


def test_a_repeated_step_holds_its_own_lock(ledger: DynamoLedger) -> None:
    lock(ledger, ONE, NOW, LIMITS)
    assert lock(ledger, ONE, NOW, LIMITS)["held"]


def test_a_lock_expires(ledger: DynamoLedger) -> None:
    lock(ledger, ONE, NOW, LIMITS)
    later = NOW + timedelta(minutes=61)
    assert ledger.holder(int(later.timestamp())) is None
    assert lock(ledger, TWO, later, LIMITS)["held"]


def test_the_locks_of_a_run_that_was_stopped_are_free(ledger: DynamoLedger) -> None:
    running, second = Running(*NAMES), int(NOW.timestamp())
    lock(ledger, ONE, NOW, LIMITS, running)
    assert ledger.acquire("one", second, second + 600, ENDPOINT)
    running.names.remove("one")
    assert admission.current(ledger, running, NOW) is None
    assert lock(ledger, TWO, NOW, LIMITS, running) == {"held": True, "holder": "two"}
    assert ledger.holder(second, ENDPOINT) is None
    assert admission.current(ledger, running, NOW) == "two"


def test_what_a_stopped_run_reserved_stays_reserved(ledger: DynamoLedger) -> None:
    """Its training job may still run."""
    running = Running(*NAMES)
    for run in (ONE, TWO):
        lock(ledger, run, NOW, LIMITS, running)
        assert reserve(ledger, run, LIMITS)["granted"]
        running.names.remove(run.execution)
    assert lock(ledger, THREE, NOW, LIMITS, running)["held"]
    assert not reserve(ledger, THREE, LIMITS)["granted"]


def test_a_run_that_ends_gives_the_lock_back_and_is_remembered(ledger: DynamoLedger) -> None:
    lock(ledger, ONE, NOW, LIMITS)
    ended = finish(ledger, ONE, DONE | {"budget": {"granted": True, "minutes": 40}}, NOW)
    assert ended["status"] == "promoted"
    assert lock(ledger, TWO, NOW, LIMITS)["held"]
    assert ledger.last() == ended


def test_a_run_that_did_not_hold_the_lock_leaves_it(ledger: DynamoLedger) -> None:
    lock(ledger, ONE, NOW, LIMITS)
    state = {"lock": lock(ledger, TWO, NOW, LIMITS)}
    ended = finish(ledger, TWO, state, NOW)
    assert (ended["status"], ended["reasons"]) == ("busy", ["one is running"])
    assert ledger.holder(int(NOW.timestamp())) == "one"
    assert ledger.last() is None


def test_the_days_runs_are_counted(ledger: DynamoLedger) -> None:
    granted = []
    for run in (ONE, TWO, THREE, FOUR):
        granted.append(reserve(ledger, run, LIMITS)["granted"])
        _end(ledger, run, minutes=1)
    assert granted == [True, True, True, False]


def test_the_days_minutes_are_reserved_before_they_are_spent(ledger: DynamoLedger) -> None:
    granted = [reserve(ledger, run, LIMITS)["granted"] for run in (ONE, TWO, THREE)]
    assert granted == [True, True, False]


def test_what_was_not_used_is_given_back_once(ledger: DynamoLedger) -> None:
    for run in (ONE, TWO):
        reserve(ledger, run, LIMITS)
    _end(ledger, ONE, minutes=10)
    _end(ledger, ONE, minutes=10)
    assert not reserve(ledger, THREE, Limits(9, 89, 40, 60))["granted"]
    assert reserve(ledger, THREE, Limits(9, 90, 40, 60))["granted"]


def test_a_repeated_step_is_not_counted_again(ledger: DynamoLedger) -> None:
    for _ in range(5):
        assert reserve(ledger, ONE, LIMITS)["granted"]
    assert reserve(ledger, TWO, LIMITS)["granted"]


def test_another_day_has_a_budget_of_its_own(ledger: DynamoLedger) -> None:
    for run in (ONE, TWO, THREE):
        reserve(ledger, run, LIMITS)
    assert reserve(ledger, Run("four", NOW + timedelta(days=1)), LIMITS)["granted"]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({"data": {"status": "no data"}}, "no data"),
        ({"data": {"status": "too few rows", "reason": "7 rows"}}, "too few rows"),
        ({"data": {"status": "ready"}, "budget": {"granted": False}}, "budget spent"),
        (
            {"budget": {"granted": True}, "training": {"status": "NoModel", "reason": "few"}},
            "no model",
        ),
        ({"budget": {"granted": True}, "verdict": {"promote": False}}, "refused"),
        ({"error": {"Error": "TrainingFailed", "Cause": "memory"}}, "failed"),
    ],
)
def test_a_run_says_how_it_ended(
    ledger: DynamoLedger, state: dict[str, object], status: str
) -> None:
    held = {"lock": {"held": True}, **state}
    if held.get("budget") == {"granted": True}:
        held["budget"] = {"granted": True, "minutes": 40}
    assert finish(ledger, ONE, held, NOW)["status"] == status


def test_a_run_that_had_too_few_rows_says_how_many(ledger: DynamoLedger) -> None:
    state = {"lock": {"held": True}, "data": {"status": "too few rows", "reason": "7 rows"}}
    assert finish(ledger, ONE, state, NOW)["cause"] == "7 rows"


def test_what_a_run_leaves_is_bounded_however_long_the_cause_is(ledger: DynamoLedger) -> None:
    state = {"lock": {"held": True}, "error": {"Error": "Failed", "Cause": "x" * 32_768}}
    assert len(json.dumps(finish(ledger, ONE, state, NOW))) < 16_384
