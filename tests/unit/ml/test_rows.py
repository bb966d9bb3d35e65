"""Parquet files become rows: each once, in order of time, and nothing vanishes uncounted."""

from datetime import UTC, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.rows import Range, RowsError, instant, read
from tests.unit.ml.auctions import START, auctions, write

ALL = Range.parse("", "")


@pytest.fixture
def made():
    return auctions(200)


def test_files_in_any_order_give_the_same_rows(tmp_path, definition, made):
    forth = read(write(made, tmp_path / "forth", parts=3), definition, ALL).rows
    back = read(write(made[::-1], tmp_path / "back", parts=2), definition, ALL).rows
    assert len(forth) == 200
    assert (np.diff(forth.time) >= 0).all()
    assert list(forth.chunks()) == list(back.chunks())
    assert (forth.label == back.label).all()


def test_the_rows_are_what_was_written(tmp_path, definition, made):
    rows = read(write(made, tmp_path), definition, ALL).rows
    (columns,) = rows.chunks()
    assert columns["domain"] == [r["domain"] for r in made]
    assert columns["campaign_item_id"] == [str(r["campaign_item_id"]) for r in made]
    assert columns["bid_price"] == [r["bid_price"] for r in made]
    assert rows.label.tolist() == [r["won"] for r in made]
    assert instant(int(rows.time[0])) == "2026-11-21T00:00:00.000Z"


def test_a_row_that_was_delivered_twice_counts_once(tmp_path, definition, made):
    reading = read(write([*made, *made[50:80]], tmp_path, parts=2), definition, ALL)
    assert (len(reading.rows), reading.repeated) == (200, 30)


def test_the_range_is_half_open_and_the_rest_is_counted(tmp_path, definition, made):
    start, end = made[50]["bid_at"], made[150]["bid_at"]
    folder = write(made, tmp_path)
    reading = read(folder, definition, Range.parse(start.isoformat(), end.isoformat()))
    expected = [r for r in made if start <= r["bid_at"] < end]
    assert len(reading.rows) == len(expected)
    assert reading.counts() == {
        "read": 200,
        "outside": 200 - len(expected),
        "left_out": 0,
        "incomplete": 0,
        "repeated": 0,
        "used": len(expected),
    }


def test_a_row_without_a_price_is_counted_and_one_without_a_domain_is_used(
    tmp_path, definition, made
):
    made[3]["bid_price"] = made[4]["domain"] = made[5]["won"] = None
    made[6]["bid_price"] = -1
    reading = read(write(made, tmp_path), definition, ALL)
    assert reading.incomplete == 3
    (columns,) = reading.rows.chunks()
    assert columns["domain"].count(None) == 1


def test_a_column_that_older_files_lack_is_absent_in_their_rows(tmp_path, definition, made):
    write([{k: v for k, v in r.items() if k != "domain"} for r in made[:100]], tmp_path / "old")
    write(made[100:], tmp_path / "new")
    (columns,) = read(tmp_path, definition, ALL).rows.chunks()
    assert columns["domain"][:100] == [None] * 100
    assert None not in columns["domain"][100:]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_times_of_any_precision_are_read(tmp_path, definition, made, unit, zone):
    table = pa.Table.from_pylist(made)
    place = table.schema.get_field_index("bid_at")
    times = table.column("bid_at").cast(pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, zone))
    pq.write_table(table.set_column(place, "bid_at", times), tmp_path / "t.parquet")
    rows = read(tmp_path, definition, ALL).rows
    assert rows.time[0] == round(START.timestamp() * 1000)


def test_no_files_are_no_rows(tmp_path, definition):
    reading = read(tmp_path, definition, ALL)
    assert (len(reading.rows), reading.read, reading.files) == (0, 0, 0)


def test_a_file_that_is_not_parquet_is_named(tmp_path, definition, made):
    write(made, tmp_path)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 or so")
    with pytest.raises(RowsError, match=r"broken\.parquet"):
        read(tmp_path, definition, ALL)


def test_a_file_without_labels_is_named(tmp_path, definition):
    pq.write_table(pa.table({"tx_id": ["a"]}), tmp_path / "x.parquet")
    with pytest.raises(RowsError, match=r"x\.parquet: lacks \['bid_at', 'won'\]"):
        read(tmp_path, definition, ALL)


def test_a_range_is_text_or_milliseconds_and_needs_an_offset():
    millis = round(START.timestamp() * 1000)
    text = (START + timedelta(hours=1)).astimezone(UTC).isoformat()
    assert Range.parse(str(millis), text) == Range(millis, millis + 3_600_000)
    assert Range.parse("2026-11-21T00:00:00Z", "").start == millis
    with pytest.raises(ValueError, match="offset"):
        Range.parse("2026-11-21T00:00:00", "")
