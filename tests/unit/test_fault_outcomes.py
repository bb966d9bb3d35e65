"""What a run of faults says of letters and ledger, for events whose fate the generator knows."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

import usecases
from datagen import Generation, Settings
from tests.local.faults.flow import DUPLICATE, LATE, UNMATCHED
from tests.local.faults.outcomes import COUNTED, Outcomes
from tests.unit.letters import Change, Rows, without
from usecases.shopping import generator

(SHOPPING,) = usecases.load(("shopping",)).use_cases
START = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    shape = Settings(
        2_000, START, rate=20.0, duplicates=0.1, shuffle=timedelta(seconds=2), late=0.02
    )
    made = Outcomes(generator)
    made.send(list(Generation(SHOPPING, made, shape)))
    return made


def letters(outcomes: Outcomes) -> Iterator[dict[str, Any]]:
    """The dead letters that are expected, and no more."""
    for name, fate in outcomes.fates.items():
        copies = outcomes.copies[name]
        if fate.outcome in (COUNTED, UNMATCHED):
            reasons = [DUPLICATE] * (copies - 1) + [UNMATCHED] * (fate.outcome == UNMATCHED)
        else:
            reasons = [fate.outcome] * copies * fate.has_letter
        payload = base64.b64encode(orjson.dumps(outcomes.events[name])).decode()
        for number, reason in enumerate(reasons):
            yield {
                "id": f"{name}:{number}",
                "stage": "flink",
                "occurred_at": outcomes.events[name]["occurred_at"],
                "event_id": name,
                "reason": reason,
                "payload": payload,
                "encoding": None,
            }


def wrong(outcomes: Outcomes, rows: Rows, *, all_closed: bool = True) -> int:
    """How many events or letters are not right."""
    return len(outcomes.wrong_letters(rows, all_closed=all_closed))


def test_the_letters_that_the_generator_promises_are_right(outcomes: Outcomes) -> None:
    rows = [*letters(outcomes)]
    assert wrong(outcomes, rows) == 0
    assert Counter(row["reason"] for row in rows).keys() == {LATE, DUPLICATE, UNMATCHED, "filtered"}


def test_what_is_unmatched_may_have_its_letter_later(outcomes: Outcomes) -> None:
    rows = [row for row in letters(outcomes) if row["reason"] != UNMATCHED]
    assert wrong(outcomes, rows, all_closed=False) == 0
    assert wrong(outcomes, rows) == outcomes.number(UNMATCHED) > 0


def test_a_copy_that_comes_long_after_its_event_may_be_late(outcomes: Outcomes) -> None:
    rows = [*letters(outcomes)]
    copy = next(row for row in rows if row["reason"] == DUPLICATE)
    assert wrong(outcomes, [row | {"reason": LATE} if row is copy else row for row in rows]) == 0


def _as(reason: str, other: str) -> Change:
    def change(rows: Rows) -> Rows:
        one = next(row for row in rows if row["reason"] == reason)
        return [row | {"reason": other} if row is one else row for row in rows]

    return change


@pytest.mark.parametrize(
    "change",
    [
        without(LATE),
        without(DUPLICATE),
        without(UNMATCHED),
        without("filtered"),
        _as(LATE, DUPLICATE),
        _as(UNMATCHED, LATE),
        _as(DUPLICATE, UNMATCHED),
        lambda rows: [*rows, rows[0]],
        lambda rows: [*rows, rows[0] | {"id": "other", "event_id": "unknown"}],
        lambda rows: [*rows, rows[0] | {"id": "other", "payload": "e30="}],
    ],
)
def test_a_letter_that_is_lost_changed_or_too_many_is_noticed(
    change: Change, outcomes: Outcomes
) -> None:
    assert wrong(outcomes, change([*letters(outcomes)])) >= 1


def sums(outcomes: Outcomes) -> Counter[str]:
    """What the ledger says when each event was received once and all keys are closed."""
    found = Counter(outcomes.fates[name].outcome for name in outcomes.copies.elements())
    copies = sum(
        outcomes.copies[name] - 1
        for name, fate in outcomes.fates.items()
        if fate.outcome in (COUNTED, UNMATCHED)
    )
    return Counter(
        found
        | {
            "ok": outcomes.copies.total(),
            COUNTED: outcomes.number(COUNTED),
            UNMATCHED: outcomes.number(UNMATCHED),
            DUPLICATE: copies,
        }
    )


@pytest.mark.parametrize(
    "change",
    [{}, {COUNTED: -1}, {COUNTED: 1}, {DUPLICATE: -1}, {UNMATCHED: -1, "waiting": 1}, {"ok": -1}],
)
def test_an_outcome_that_is_lost_or_too_many_is_noticed(
    change: dict[str, int], outcomes: Outcomes
) -> None:
    found, rows = sums(outcomes), [*letters(outcomes)]
    found.update(change)
    found_wrong = outcomes.miscounted(found, rows, outcomes.copies.total(), all_closed=True)
    assert bool(found_wrong) == bool(change)
