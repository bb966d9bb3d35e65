"""What starts a run, and what does not."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from lambdas.training import drift
from lambdas.training.deciding import Facts, Triggers, Watch, reason
from lambdas.training.ports import Row
from tests.unit.lambdas.models import MODEL, fallback, fallback_file
from tests.unit.lambdas.training.fakes import NAMES, Lake, Objects

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
TRIGGERS = Triggers(every=timedelta(days=1), rows=10_000, psi=0.2, least=1_000, days=30)
RECENT = NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (Facts(999), None),
        (Facts(1_000), "schedule"),
        (Facts(1_000, RECENT), None),
        (Facts(1_000, NOW - timedelta(days=1)), "schedule"),
        (Facts(9_999, RECENT), None),
        (Facts(10_000, RECENT), "volume"),
        (Facts(1_000, RECENT, {"score": 0.2}), None),
        (Facts(1_000, RECENT, {"score": 0.1, "domain": 0.21}), "drift"),
        (Facts(999, RECENT, {"score": 9.0}), None),
    ],
)
def test_a_run_starts_for_a_reason(facts: Facts, why: str | None) -> None:
    assert reason(facts, TRIGGERS, NOW) == why


def _rows(seed: int, price: float, domain: str) -> list[Row]:
    made = random.Random(seed)
    return [
        [str(made.choice((7, 8))), domain, "cr-1", "News", str(price * made.random()), "true"]
        for _ in range(500)
    ]


def _moved(current: list[Row]) -> dict[str, float]:
    before = drift.sample_of(MODEL.definition, _rows(1, 1000, "a"))
    return drift.moved(
        fallback(), MODEL.definition.label, before, drift.sample_of(MODEL.definition, current)
    )


def test_rows_of_the_same_kind_have_not_moved() -> None:
    assert all(value < 0.1 for value in _moved(_rows(2, 1000, "a")).values())


def test_other_prices_move_price_and_score() -> None:
    found = _moved(_rows(2, 3000, "a"))
    assert {name for name, value in found.items() if value > 0.2} == {"score", "bid_price"}


def test_other_categories_move_their_column() -> None:
    found = _moved(_rows(2, 1000, "b"))
    assert {name for name, value in found.items() if value > 0.2} == {"domain"}


def test_the_index_is_that_of_its_formula() -> None:
    assert drift.index({"a": 50, "b": 50}, {"a": 60, "b": 40}) == pytest.approx(0.0405, abs=1e-4)
    assert drift.index({"a": 1}, {"a": 5}) == 0


def test_rows_without_a_number_are_left_out() -> None:
    rows: list[Row] = [["7", "a", None, None, None, "true"], ["7", None, None, None, "5", "false"]]
    sample = drift.sample_of(MODEL.definition, rows)
    assert sample["bid_price"] == [5.0]
    assert sample["won"] == ["false"]


class _Ledger:
    def __init__(self, last: dict[str, str] | None) -> None:
        self._last = last

    def last(self) -> dict[str, str] | None:
        return self._last


def _watch(lake: Lake, objects: Objects, last: dict[str, str] | None) -> Watch:
    ledger = _Ledger(last)
    return Watch(lake, objects, ledger, NAMES, MODEL.definition, "rows")  # type: ignore[arg-type]


def test_rows_are_counted_since_the_last_run() -> None:
    lake = Lake({"count(*)": [["5"]]})
    last = {"to": "2026-11-21T08:00:00.000Z", "finished_at": "2026-11-21T08:05:00.000Z"}
    facts = _watch(lake, Objects(), last).facts(TRIGGERS, NOW)
    assert (facts.new_rows, facts.psi) == (5, {})
    assert facts.last_ended == datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
    assert "bid_at >= TIMESTAMP '2026-11-21 08:00:00.000'" in lake.asked[0]


def test_the_new_rows_are_compared_with_those_the_champion_was_trained_on() -> None:
    trained = {"trained_from": "2026-11-19T00:00:00Z", "fitted_through": "2026-11-20T00:00:00Z"}
    pointer = {
        "version": "v1",
        "config": "c",
        "package_arn": "a",
        "fallback": "models/adtech/v1/fallback.json",
        "promoted_at": "2026-11-20T00:00:00Z",
    }
    objects = Objects(
        {
            NAMES.champion: json.dumps(pointer).encode(),
            "models/adtech/v1/fallback.json": fallback_file(),
            "models/adtech/v1/metadata.json": json.dumps(trained).encode(),
        }
    )
    lake = Lake(
        {
            "count(*)": [["2000"]],
            "bid_at < TIMESTAMP '2026-11-20": _rows(1, 1000, "a"),
            "random()": _rows(2, 1000, "b"),
        }
    )
    facts = _watch(lake, objects, None).facts(TRIGGERS, NOW)
    assert facts.psi["domain"] > 1
    assert facts.psi["bid_price"] < 0.1
