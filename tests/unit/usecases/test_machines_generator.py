"""Made-up machines: the same each time, with a truth that holds by force."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

import usecases
from datagen import Generation, Settings
from glue.targets.pydantic import event_model
from tests.flink import machines, pipelines
from usecases.machines import generator

MACHINES = usecases.load(("machines",)).use_case("machines")
START = datetime(2026, 11, 21, 10, tzinfo=UTC)
SETTINGS = Settings(events=4000, start=START, rate=20.0, seed=7)


def generated(**changed):
    settings = Settings(**{**vars(SETTINGS), **changed})
    generation = Generation(MACHINES, generator, settings)
    return list(generation), generation.truth()


@pytest.fixture(scope="module")
def usual():
    return generated()


def test_the_same_settings_give_the_same_events(usual):
    assert usual == generated()
    assert usual != generated(seed=8)


def test_every_event_is_one_that_ingestion_accepts(usual):
    (measurement,) = MACHINES.events
    model = event_model(measurement)
    for event in usual[0]:
        model.model_validate(event)
    assert {e["quantity"] for e in usual[0]} == {"speed", "torque", "temperature"}


def _with_moments(row):
    moments = {n for n in row if n == "occurred_at" or n.endswith("_time")}
    return {n: pipelines.at({"occurred_at": v}) if n in moments else v for n, v in row.items()}


def _sorted(rows):
    return sorted(tuple(sorted(row.items())) for row in rows)


@pytest.mark.parametrize("rate", [2.0, 20.0, 1000.0, 5000.0])
def test_pairs_and_power_are_those_found_by_force(rate):
    events, truth = generated(events=1000, rate=rate)
    expected = machines.pairs(events)
    rows = {name: [_with_moments(r) for r in found] for name, found in truth["records"].items()}
    assert _sorted(rows["pairs"]) == _sorted(expected)
    assert _sorted(rows["power"]) == _sorted(map(machines.power, expected))


ASOF = """
WITH samples AS (
  SELECT thing, quantity, occurred_at AS at, min(result) AS result
  FROM measured GROUP BY ALL
),
r AS (SELECT * FROM samples WHERE quantity = 'speed'),
s AS (SELECT * FROM samples WHERE quantity = 'torque'),
found AS (
  SELECT r.thing, r.at AS r_time, s.at AS s_time
  FROM r ASOF JOIN s ON r.thing = s.thing AND r.at >= s.at
  UNION SELECT r.thing, r.at, s.at FROM r ASOF JOIN s ON r.thing = s.thing AND r.at <= s.at
  UNION SELECT s.thing, r.at, s.at FROM s ASOF JOIN r ON s.thing = r.thing AND s.at >= r.at
  UNION SELECT s.thing, r.at, s.at FROM s ASOF JOIN r ON s.thing = r.thing AND s.at <= r.at
)
SELECT DISTINCT thing, r_time, s_time FROM found WHERE abs(r_time - s_time) <= 1000
"""


def test_pairs_are_those_of_asof_joins(usual):
    """DuckDB's joins of the complete series, from r and from s, in both directions."""
    events, truth = usual
    database = duckdb.connect()
    columns = "thing VARCHAR, quantity VARCHAR, occurred_at BIGINT, result DOUBLE"
    database.execute(f"CREATE TABLE measured ({columns})")
    rows = [[e["thing"], e["quantity"], pipelines.at(e), e["result"]] for e in events]
    database.executemany("INSERT INTO measured VALUES (?, ?, ?, ?)", rows)
    pairs = map(_with_moments, truth["records"]["pairs"])
    expected = {(p["thing"], p["r_time"], p["s_time"]) for p in pairs}
    assert set(database.execute(ASOF).fetchall()) == expected


def test_pairs_have_ties_gaps_and_bursts(usual):
    events, truth = usual
    pairs = [_with_moments(row) for row in truth["records"]["pairs"]]
    assert any(p["r_time"] == p["s_time"] for p in pairs)
    of_one = Counter((p["thing"], p["r_time"]) for p in pairs)
    assert max(of_one.values()) > 2
    joined = [e for e in events if e["quantity"] != "temperature"]
    assert len(pairs) < len(joined)


def test_the_report_is_that_of_all_pairs(usual):
    events, truth = usual
    rows = {(p["thing"], p["period"]): p for p in truth["periods"]["machines"]}
    expected = machines.reports(events)
    assert rows.keys() == expected.keys()
    for key, row in expected.items():
        assert {name: rows[key][name] for name in row} == row
    totals = truth["reports"]["machines"]
    assert sum(r["count"] for r in totals.values()) == len(truth["records"]["pairs"])


def test_disorder_changes_no_pair(usual):
    events, truth = generated(shuffle=timedelta(seconds=4), duplicates=0.2)
    assert truth["records"] == usual[1]["records"]
    assert truth["reports"] == usual[1]["reports"]
    counted = Counter(e["event_id"] for e in events)
    joined = {e["event_id"] for e in events if e["quantity"] != "temperature"}
    copies = sum(n - 1 for id_, n in counted.items() if id_ in joined)
    assert truth["dead_letters"]["duplicate"] == copies > 500
    assert truth["sent"] == len(events)


def test_late_measurements_are_of_machines_of_their_own(usual):
    events, truth = generated(late=0.05)
    late = [e for e in events if "-late-" in e["thing"]]
    assert len(late) == truth["dead_letters"]["late"] > 100
    assert not {e["thing"] for e in late} & set(truth["reports"]["machines"])
