"""What the tests of the join compare with agrees: force, ASOF joins of DuckDB, and the generator.

`SDP_SERIES=2000` compares that many random pairs of series.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from datagen import Generation
from datagen import Settings as Shape
from tests import asof
from tests.asof import Sample
from tests.flink import machines, pipelines
from tests.flink.pipelines import Event
from usecases import load
from usecases.machines import generator

START = datetime(2026, 11, 21, 10, tzinfo=UTC)


def sample(event: Event) -> Sample:
    """A measurement as the ASOF joins take it."""
    return event["thing"], event["quantity"], pipelines.at(event), event["result"]


def test_force_and_asof_joins_find_the_same_pairs_of_any_series() -> None:
    events = machines.made().streams["measurements"]
    force = {asof.pair_of(row) for row in machines.pairs(events)}
    assert len(force) > 2_000
    assert asof.pairs(map(sample, events)) == force


def test_force_and_asof_joins_find_the_same_pairs_of_joins_that_change() -> None:
    events = machines.made().streams["measurements"]
    force = {asof.pair_of(row) for row in machines.pairs(events, machines.JOINS)}
    versions = Counter(pair[-2:] for pair in force)
    assert set(versions) == {(join.name, join.version) for join in machines.JOINS}
    assert min(versions.values()) > 100
    joins = [join.for_asof() for join in machines.JOINS]
    assert asof.pairs(map(sample, events), joins) == force


def test_the_generator_foresees_the_pairs_that_asof_joins_find() -> None:
    (use_case,) = load(("machines",)).use_cases
    shape = Shape(
        events=3_000,
        start=START,
        rate=100,
        duplicates=0.1,
        shuffle=timedelta(seconds=3),
    )
    generation = Generation(use_case, generator, shape)
    sent = list(generation)
    rows = generation.truth()["records"]["pairs"]
    times = ("r_time", "s_time")
    foreseen = [
        {**row, **{t: pipelines.at({"occurred_at": row[t]}) for t in times}} for row in rows
    ]
    assert {asof.pair_of(row) for row in foreseen} == asof.pairs(map(sample, sent))
    assert len(rows) > 2_000
