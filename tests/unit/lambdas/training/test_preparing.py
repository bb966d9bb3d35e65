"""Which files are trained on: those of the registered partitions that can hold the rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from features.definition import MIN_ROWS
from lambdas.ports.training import Partition
from lambdas.training.preparing import Window, bounded, newest, prepare
from tests.unit.lambdas.models import MODEL
from tests.unit.lambdas.training.fakes import NAMES, Lake, Objects

START, END = datetime(2026, 11, 21, 8, tzinfo=UTC), datetime(2026, 11, 21, 12, tzinfo=UTC)
HOURS = ("06", "07", "08", "09", "10", "11", "12")


def _partition(hour: str, kind: str = "parquet") -> Partition:
    folder = f"adtech/{kind}/transactions/date=2026-11-21/hour={hour}"
    return Partition("2026-11-21", hour, f"s3://lake/{folder}/")


def _objects(*partitions: Partition) -> Objects:
    files = {f"{p.location.removeprefix('s3://lake/')}a.parquet": b"" for p in partitions}
    return Objects(files)


def _prepared(lake: Lake, objects: Objects) -> dict[str, Any]:
    table = "parquet_transactions"
    return prepare(lake, objects, NAMES, "v1", MODEL.definition, table, Window(START, END), 10_000)


def _hours(objects: Objects, key: str) -> list[str]:
    first, *keys = json.loads(objects.files[key])
    assert first == {"prefix": "s3://lake/"}
    return [key.partition("hour=")[2][:2] for key in keys]


def _lake(*partitions: Partition, **counts: int) -> Lake:
    days = {hour: f"2026-11-21 {hour[1:]}" for hour in counts}
    rows = [[f"{days[h]}:00:00.000", str(n), f"{days[h]}:17:31.250"] for h, n in counts.items()]
    return Lake({"date_trunc('minute'": rows}, list(partitions))


def test_training_reads_all_of_the_range_and_the_test_its_newest_part() -> None:
    partitions = [_partition(hour) for hour in HOURS]
    objects = _objects(*partitions)
    found = _prepared(_lake(*partitions, h08=500, h09=300, h10=100, h11=100), objects)
    assert (found["status"], found["rows"]) == ("ready", MIN_ROWS)
    # An hour of margin: event times may be ahead of the delivery's.
    assert _hours(objects, found["train"]) == ["07", "08", "09", "10", "11", "12"]
    assert _hours(objects, found["test"]) == ["08", "09", "10", "11", "12"]


def test_a_compacted_partition_is_read_where_it_is_registered() -> None:
    partition = _partition("09", "compacted")
    objects = _objects(partition, _partition("09"))
    found = _prepared(_lake(partition, h09=MIN_ROWS), objects)
    assert "/compacted/" in objects.files[found["train"]].decode()
    assert "/parquet/" not in objects.files[found["train"]].decode()


def test_an_empty_range_is_said_and_writes_nothing() -> None:
    partitions = [_partition(hour) for hour in HOURS]
    objects = _objects(*partitions)
    before = set(objects.files)
    found = _prepared(_lake(*partitions), objects)
    assert (found["status"], found["rows"]) == ("no data", 0)
    assert set(objects.files) == before


def test_too_few_rows_to_learn_from_are_said_and_write_nothing() -> None:
    partitions = [_partition(hour) for hour in HOURS]
    objects = _objects(*partitions)
    before = set(objects.files)
    found = _prepared(_lake(*partitions, h08=500, h09=499), objects)
    assert (found["status"], found["reason"]) == ("too few rows", "999 rows; 1,000 are needed")
    assert set(objects.files) == before


def test_new_to_the_next_run_is_what_is_later_than_the_newest_row() -> None:
    partition = _partition("09")
    found = _prepared(_lake(partition, h08=500, h09=500), _objects(partition))
    assert found["through"] == "2026-11-21T09:17:31.250Z"


def test_files_that_are_no_data_are_left_out() -> None:
    partition = _partition("09")
    objects = _objects(partition)
    folder = partition.location.removeprefix("s3://lake/")
    objects.files |= {f"{folder}_SUCCESS": b"", f"{folder}.hidden": b""}
    assert _prepared(_lake(partition, h09=MIN_ROWS), objects)["train_files"] == 1


def test_the_query_is_about_the_range_and_its_partitions() -> None:
    lake = _lake()
    _prepared(lake, Objects())
    assert "date >= '2026-11-21'" in lake.requested[0]
    assert "bid_at >= TIMESTAMP '2026-11-21 08:00:00.000'" in lake.requested[0]
    assert "bid_at < TIMESTAMP '2026-11-21 12:00:00.000'" in lake.requested[0]


def test_a_range_is_what_was_asked_for_else_the_last_days() -> None:
    requested = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T01:00:00+01:00"}
    window = Window.of(requested, END, 30)
    assert window == Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    assert Window.of({}, END, 1) == Window(datetime(2026, 11, 20, 12, tzinfo=UTC), END)


MONTH = [
    Partition(f"2026-11-{n // 24 + 1:02d}", f"{n % 24:02d}", f"s3://lake/{n}") for n in range(720)
]


def test_of_a_month_with_far_more_rows_than_the_sample_the_newest_and_some_hours_are_read() -> None:
    """160 million rows a month, two million wanted: files of about twenty million."""
    chosen = bounded(MONTH, 160_000_000, 2_000_000)
    assert len(chosen) == 2 * 45
    assert chosen[-45:] == MONTH[-45:] == newest(MONTH, 160_000_000, 2_000_000)
    assert chosen == sorted(chosen, key=lambda p: (p.date, p.hour))
    assert len({p.date for p in chosen}) >= 28
    assert len({p.hour for p in chosen[:45]}) >= 16


def test_of_a_month_with_few_rows_all_is_read() -> None:
    assert bounded(MONTH, 20_000_000, 2_000_000) == newest(MONTH, 5, 2_000_000) == MONTH
