"""Buckets, their newest versions and their differences."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sdpctl.backfill.comparing import (
    Bucket,
    Difference,
    Key,
    differences,
    emptied,
    newest,
    rows,
)
from sdpctl.backfill.plan import Span
from usecases.adtech import USE_CASE

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
PERIOD = int(START.timestamp())
SPAN = Span(START, START + timedelta(hours=1))
NAMES = ("bids", "impressions", "clicks", "spend")


def upsert(campaign: int, period: int, *numbers: int) -> dict[str, Any]:
    """A row as the pipeline writes it."""
    measures = dict(zip(NAMES, numbers, strict=True))
    version = {"version": sum(numbers[:3]), "generation": 0}
    return {"campaign_item_id": campaign, "period": period, **measures, **version}


def test_the_newest_version_counts_whatever_the_order() -> None:
    found = newest(USE_CASE, [upsert(1, PERIOD, 2, 1, 0, 9), upsert(1, PERIOD, 1, 0, 0, 0)], SPAN)
    assert found == {
        Key("campaigns", 1, PERIOD): Bucket(dict(zip(NAMES, (2, 1, 0, 9), strict=True)), 3)
    }


def test_buckets_outside_the_range_are_left_out() -> None:
    """They were computed from records at its edges, of which not all were read."""
    edges = [upsert(1, PERIOD - 300, 1, 0, 0, 0), upsert(1, PERIOD + 3600, 1, 0, 0, 0)]
    assert newest(USE_CASE, edges, SPAN) == {}


def test_every_measure_that_differs_is_told_and_a_missing_bucket_with_all_of_its() -> None:
    lake = newest(USE_CASE, [upsert(1, PERIOD, 2, 1, 0, 9), upsert(2, PERIOD, 1, 0, 0, 0)], SPAN)
    live = newest(USE_CASE, [upsert(1, PERIOD, 2, 1, 0, 8)], SPAN)
    one, two = Key("campaigns", 1, PERIOD), Key("campaigns", 2, PERIOD)
    assert list(differences(lake, live)) == [
        Difference(one, "spend", 9, 8),
        *(Difference(two, name, n, None) for name, n in zip(NAMES, (1, 0, 0, 0), strict=True)),
    ]
    assert list(differences(live, live)) == []


def test_a_bucket_is_written_as_the_pipeline_would_in_a_later_generation() -> None:
    found = newest(USE_CASE, [upsert(1, PERIOD, 2, 1, 0, 9)], SPAN)
    assert list(rows(USE_CASE, found, 4)) == [
        ("aggregates", 1, {**upsert(1, PERIOD, 2, 1, 0, 9), "generation": 4})
    ]


def test_an_emptied_bucket_is_written_without_measures_and_is_no_bucket() -> None:
    key = Key("campaigns", 1, PERIOD)
    empty = {key: emptied(USE_CASE, key)}
    [(_, _, row)] = rows(USE_CASE, empty, 4)
    none = dict.fromkeys(NAMES)
    assert row == {"campaign_item_id": 1, "period": PERIOD, **none, "version": 0, "generation": 4}
    assert list(differences(empty, {})) == list(differences({}, empty)) == []
    live = newest(USE_CASE, [upsert(1, PERIOD, 1, 0, 0, 0)], SPAN)
    assert [found.lake for found in differences(empty, live)] == [None] * 4


def test_the_buckets_of_a_key_are_written_together() -> None:
    """They can be replaced in one transaction."""
    mixed = [upsert(n % 2, PERIOD + 300 * n, 1, 0, 0, 0) for n in range(6)]
    found = [row for _, _, row in rows(USE_CASE, newest(USE_CASE, mixed, SPAN), 1)]
    assert [(row["campaign_item_id"], (row["period"] - PERIOD) // 300) for row in found] == [
        (0, 0),
        (0, 2),
        (0, 4),
        (1, 1),
        (1, 3),
        (1, 5),
    ]
