"""DuckDB's part: sorted files of bounded size, each row once, nothing lost."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glue.targets.lake import LakeTable
from glue.types import Boolean, Column, Double, Integer, String, Struct, Timestamp
from lambdas.compact.merging import DuckMerger
from lambdas.compact.ports import MergeError
from tests.unit.lambdas.compact.memory import TABLE

Row = dict[str, Any]
WHOLE_ROWS = replace(TABLE, identity=())


def write(folder: Path, *files: list[Row]) -> list[Path]:
    """Parquet files as they are delivered."""
    paths = []
    for number, rows in enumerate(files):
        paths.append(folder / f"{number}.parquet")
        pq.write_table(pa.Table.from_pylist(rows), paths[-1])
    return paths


def read(*files: Path) -> list[Row]:
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def row(machine: str | None, event_id: str | None, value: int = 0, type_: str = "one") -> Row:
    return {"machine": machine, "type": type_, "event_id": event_id, "value": value}


def merged(table: LakeTable, folder: Path, *files: list[Row], size: int = 10**6) -> list[Row]:
    written = DuckMerger().merge(table, write(folder, *files), folder / "out", size)
    rows = read(*written.files)
    assert written.rows_read == sum(map(len, files))
    assert written.rows_written == len(rows)
    return rows


def test_rows_are_sorted_by_the_key(tmp_path: Path) -> None:
    names = [f"machine-{n:03d}" for n in range(100)]
    random.Random(1).shuffle(names)
    files = [[row(name, name)] for name in names[:10]] + [[row(n, n) for n in names[10:]]]
    assert [r["machine"] for r in merged(TABLE, tmp_path, *files)] == sorted(names)


def test_a_repeated_event_is_kept_once(tmp_path: Path) -> None:
    first, second = row("m", "1", 10), row("m", "2", 10)
    rows = merged(TABLE, tmp_path, [first, second], [first], [{**first, "value": 11}])
    assert [r["event_id"] for r in rows] == ["1", "2"]


def test_the_same_id_of_another_type_or_key_is_another_event(tmp_path: Path) -> None:
    rows = [row("m", "1"), row("m", "1", type_="two"), row("n", "1"), row(None, "1")]
    assert len(merged(TABLE, tmp_path, rows, rows)) == 4


def test_events_that_nobody_named_are_repetitions_only_if_all_is_equal(tmp_path: Path) -> None:
    rows = [row("m", None, 1), row("m", None, 2), row("m", None, 1)]
    assert sorted(r["value"] for r in merged(TABLE, tmp_path, rows)) == [1, 2]


def test_where_no_column_names_a_row_only_equal_rows_are_dropped(tmp_path: Path) -> None:
    rows = [row("m", "1", 1), row("m", "1", 2), row("m", "1", 1), row(None, None), row(None, None)]
    assert len(merged(WHOLE_ROWS, tmp_path, rows)) == 3


def test_a_first_row_of_nulls_is_a_row(tmp_path: Path) -> None:
    table = replace(WHOLE_ROWS, columns=(Column("machine", String(), True, "Which."),))
    (tmp_path / "in").mkdir()
    path = tmp_path / "in/0.parquet"
    pq.write_table(pa.table({"machine": pa.array([None], pa.string())}), path)
    assert DuckMerger().merge(table, [path], tmp_path / "out", 10**6).rows_written == 1


def test_columns_that_older_files_lack_are_null_and_unknown_ones_are_kept(tmp_path: Path) -> None:
    old = {"machine": "m", "type": "one", "event_id": "1"}
    new = {**row("n", "2", 5), "note": "from a version to come"}
    first, second = merged(TABLE, tmp_path, [old], [new])
    assert first == {**old, "value": None, "note": None}
    assert second == new


def test_every_type_keeps_its_values(tmp_path: Path) -> None:
    place = Struct((Column("x", Integer(), True, "x"), Column("y", String(), True, "y")))
    kinds = {"b": Boolean(), "d": Double(), "t": Timestamp(), "s": place}
    columns = (*TABLE.columns, *(Column(n, kind, False, n) for n, kind in kinds.items()))
    at = datetime(2026, 11, 21, 10, 0, 0, 123000)  # noqa: DTZ001 Parquet's timestamps have no zone
    full = {**row("m", "1", 2**53 + 1), "b": True, "d": 0.1, "t": at, "s": {"x": 1, "y": "é'\""}}
    (found,) = merged(replace(TABLE, columns=columns), tmp_path, [full])
    assert found == full


@pytest.mark.parametrize(
    ("unit", "zone"), [("ms", None), ("us", None), ("ns", None), ("ms", "UTC"), ("us", "UTC")]
)
def test_every_kind_of_timestamp_means_the_same_instant(
    unit: str, zone: str | None, tmp_path: Path
) -> None:
    at = datetime(2026, 11, 21, 10, 0, 0, 123000)  # noqa: DTZ001
    table = replace(WHOLE_ROWS, columns=(Column("machine", Timestamp(), True, "When."),))
    values, path = pa.array([at], pa.timestamp(unit, zone)), tmp_path / "0.parquet"
    # Nanoseconds are written as Firehose writes them.
    pq.write_table(
        pa.table({"machine": values}), path, use_deprecated_int96_timestamps=unit == "ns"
    )
    written = DuckMerger().merge(table, [path], tmp_path / "out", 10**6)
    assert read(*written.files) == [{"machine": at}]
    assert pq.read_schema(written.files[0]).field("machine").type == pa.timestamp("ms")


def test_large_results_are_several_files_in_order(tmp_path: Path) -> None:
    numbers = random.Random(2)
    keys = [f"{numbers.getrandbits(64):016x}" for _ in range(400_000)]
    pq.write_table(pa.table({"machine": keys, "event_id": keys}), tmp_path / "0.parquet")
    merger = DuckMerger(threads=1)
    found = merger.merge(TABLE, [tmp_path / "0.parquet"], tmp_path / "out", 10**6)
    assert len(found.files) > 2
    written = [key for file in found.files for key in pq.read_table(file)["machine"].to_pylist()]
    assert written == sorted(keys)


def test_repetitions_meet_in_one_bucket(tmp_path: Path) -> None:
    rows = [row("m", str(n), value) for n in range(200) for value in (1, 2)]
    files = write(tmp_path, rows[::2], rows[1::2])
    buckets = DuckMerger().split(TABLE, files, tmp_path / "out", 4)
    ids = [{r["event_id"] for r in read(*pieces)} for pieces in buckets.values()]
    assert len(buckets) == 4
    assert sum(map(len, ids)) == 200
    found = [r for pieces in buckets.values() for r in read(*pieces)]
    assert sorted(map(str, found)) == sorted(map(str, rows))


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"not a file of that format")
    with pytest.raises(MergeError, match="broken"):
        DuckMerger().merge(TABLE, [broken], tmp_path / "out", 10**6)
