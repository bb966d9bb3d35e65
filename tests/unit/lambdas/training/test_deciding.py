"""What starts a run, and what does not."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from features.drift import Categories, Reference, index
from lambdas.ports.training import Row
from lambdas.training import drift
from lambdas.training.deciding import Facts, Triggers, Watch, reason
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


def _reference() -> Reference:
    return Reference.of(fallback(), drift.sample_of(MODEL.definition, _rows(1, 1000, "a")))


def _moved(current: list[Row]) -> dict[str, float]:
    return _reference().moved(fallback(), drift.sample_of(MODEL.definition, current))


def test_rows_of_the_same_kind_have_not_moved() -> None:
    assert all(value < 0.1 for value in _moved(_rows(2, 1000, "a")).values())


def test_other_prices_move_price_and_score() -> None:
    found = _moved(_rows(2, 3000, "a"))
    assert {name for name, value in found.items() if value > 0.2} == {"score", "bid_price"}


def test_other_categories_move_their_column() -> None:
    found = _moved(_rows(2, 1000, "b"))
    assert {name for name, value in found.items() if value > 0.2} == {"domain"}


def test_the_index_is_that_of_its_formula() -> None:
    assert index([50, 50], [60, 40]) == pytest.approx(0.0405, abs=1e-4)
    assert index([1, 0], [5, 0]) == 0


def test_a_reference_is_the_same_after_it_was_kept() -> None:
    kept = Reference.from_json(json.loads(json.dumps(_reference().to_json())))
    sample = drift.sample_of(MODEL.definition, _rows(2, 3000, "b"))
    assert kept.moved(fallback(), sample) == _reference().moved(fallback(), sample)


def test_a_value_that_was_never_seen_is_one_of_the_others() -> None:
    kept = Categories.of(["a"] * 90 + [f"rare-{n}" for n in range(40)])
    assert len(kept.counts) == 21
    assert kept.index(["a"] * 90 + ["new"] * 40) > 0.2
    assert kept.index(["a"] * 90 + [f"rare-{n}" for n in range(40)]) == 0


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
    lake = Lake({"GROUP BY": [["2026-11-21", "09", "40"]], "count(*)": [["5"]]})
    last = {"to": "2026-11-21T06:00:00.000Z", "finished_at": "2026-11-21T08:05:00.000Z"}
    facts = _watch(lake, Objects(), last).facts(TRIGGERS, NOW)
    assert (facts.new_rows, facts.psi) == (45, {})
    assert facts.last_ended == datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
    # Of hours that the last run may have seen, the times are read; of later ones nothing is.
    later, boundary = lake.requested
    assert "(date = '2026-11-21' AND hour > '08')" in later
    assert "bid_at" not in later
    assert "bid_at >= TIMESTAMP '2026-11-21 06:00:00.000'" in boundary
    assert "(date = '2026-11-21' AND hour >= '05')" in boundary
    assert "(date = '2026-11-21' AND hour <= '08')" in boundary


POINTER = {
    "version": "v1",
    "config": "c",
    "package_arn": "a",
    "fallback": "models/adtech/v1/fallback.json",
    "promoted_at": "2026-11-20T00:00:00Z",
}
MONTH = [[f"2026-11-{n // 24 + 1:02d}", f"{n % 24:02d}", "222000"] for n in range(480)]


def _champion(**files: bytes) -> Objects:
    named = {f"models/adtech/v1/{n.replace('__', '.')}": body for n, body in files.items()}
    return Objects({NAMES.champion: json.dumps(POINTER).encode(), **named})


def test_a_month_of_new_rows_is_compared_with_the_reference_by_reading_an_hour_of_them() -> None:
    reference = json.dumps(_reference().to_json()).encode()
    objects = _champion(fallback__json=fallback_file(), reference__json=reference)
    lake = Lake({"GROUP BY": list(MONTH), "count(*)": [["0"]], "random()": _rows(2, 1000, "b")})
    facts = _watch(lake, objects, None).facts(TRIGGERS, NOW)
    assert facts.new_rows == 480 * 222_000
    assert facts.psi["domain"] > 1
    assert facts.psi["bid_price"] < 0.1
    (sampled,) = [sql for sql in lake.requested if "random()" in sql]
    assert sampled.count("hour = ") == 1
    assert "(date = '2026-11-20' AND hour = '23')" in sampled


def test_a_champion_without_a_reference_is_compared_with_nothing() -> None:
    lake = Lake({"GROUP BY": list(MONTH), "count(*)": [["0"]]})
    facts = _watch(lake, _champion(fallback__json=fallback_file()), None).facts(TRIGGERS, NOW)
    assert facts.psi == {}


def test_the_hours_that_are_read_are_spread_and_have_the_newest() -> None:
    hours = [drift.HourRows(date, hour, 2_000) for date, hour, _ in MONTH]
    chosen = drift.spread(hours, 40_000)
    assert len(chosen) == 20
    assert chosen[-1] == hours[-1]
    assert len({hour.hour for hour in chosen}) >= 12
    assert len({hour.date for hour in chosen}) >= 15
    assert drift.spread(hours[:3]) == hours[:3]
