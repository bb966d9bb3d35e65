"""Of too many rows a bounded sample: the newest, and some of every hour before."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.rows import Range, read
from ml.sampling import Sample, Span, plan
from ml.train import Settings, run

ALL = Range.parse("", "")
HOUR = 3_600_000
START = 1_795_219_200_000


def _hours(*rows):
    return [Span(START + n * HOUR, START + (n + 1) * HOUR - 1, r) for n, r in enumerate(rows)]


def _expected(sample, spans):
    """Rows that the sample takes, where they are spread evenly."""
    total = 0.0
    for span in spans:
        newer = np.clip((span.end + 1 - sample.recent) / (span.end + 1 - span.start), 0, 1)
        total += span.rows * (newer + (1 - newer) * sample.share)
    return total


def test_what_fits_is_taken_whole():
    assert plan(_hours(100, 200, 300), -(2**62), 2**62, 600) == Sample()


@pytest.mark.parametrize(
    "rows",
    [
        [1_000] * 720,
        [10] * 700 + [100_000] * 20,  # much of it new
        [100_000] * 20 + [10] * 700,  # much of it old
        [0] * 300 + [500_000] + [0] * 300 + [1],
    ],
)
def test_the_sample_is_as_large_as_it_may_be_and_half_of_it_is_the_newest(rows):
    spans = [s for s in _hours(*rows) if s.rows]
    sample = plan(spans, -(2**62), 2**62, 20_000)
    assert _expected(sample, spans) == pytest.approx(20_000, rel=0.02)
    newest = [s for s in spans if s.start >= sample.recent]
    assert sum(s.rows for s in newest) <= 10_000


def test_only_the_range_counts():
    spans = _hours(*[1_000] * 100)
    sample = plan(spans, START + 90 * HOUR, START + 95 * HOUR, 1_000)
    assert _expected(sample, spans[90:95]) == pytest.approx(1_000, rel=0.02)


def _write(folder, rows, *, int96=False):
    """A month of rows in files of a day, each row group some hours."""
    rng = np.random.default_rng(1)
    folder.mkdir(exist_ok=True)
    times = np.sort(rng.integers(0, 30 * 24 * HOUR, rows)) + START
    for day in range(30):
        chosen = times[(times - START) // (24 * HOUR) == day]
        count = len(chosen)
        table = pa.table(
            {
                "tx_id": [f"{day}-{n}" for n in range(count)],
                "campaign_item_id": rng.integers(1, 9, count).astype(str),
                "domain": rng.integers(1, 9, count).astype(str),
                "bid_price": rng.integers(100, 4_000, count),
                "won": rng.random(count) < 0.4,
                "bid_at": pa.array(chosen, pa.timestamp("ms")),
            }
        )
        pq.write_table(
            table,
            folder / f"{day:02d}.parquet",
            row_group_size=500,
            use_deprecated_int96_timestamps=int96,
        )
    return folder


@pytest.mark.parametrize("int96", [False, True])
def test_rows_are_sampled_from_files_and_every_day_is_in_it(tmp_path, definition, int96):
    reading = read(_write(tmp_path, 60_000, int96=int96), definition, ALL, 10_000)
    assert len(reading.rows) == pytest.approx(10_000, rel=0.05)
    assert reading.read == reading.left_out + len(reading.rows) == 60_000
    days = (reading.rows.time - START) // (24 * HOUR)
    counts = np.bincount(days, minlength=30)
    assert (counts > 0).all()
    # The newest days are whole; the share of the others is the same.
    assert counts[28:].sum() == pytest.approx(4_000, rel=0.1)
    assert counts[:20].max() < 1.5 * counts[:20].min()


def test_the_same_rows_are_sampled_each_time_and_repeats_with_them(tmp_path, definition):
    folder = _write(tmp_path / "one", 30_000)
    first = read(folder, definition, ALL, 5_000).rows
    (folder / "29b.parquet").write_bytes((folder / "03.parquet").read_bytes())
    again = read(folder, definition, ALL, 5_000)
    assert again.repeated > 0
    assert (
        first.time == read(_write(tmp_path / "two", 30_000), definition, ALL, 5_000).rows.time
    ).all()


def test_row_groups_outside_the_range_are_counted_and_not_read(tmp_path, definition, monkeypatch):
    folder = _write(tmp_path, 30_000)
    requested = []
    batches = pq.ParquetFile.iter_batches

    def iter_batches(file, *arguments, row_groups, **named):
        requested.extend(row_groups)
        return batches(file, *arguments, row_groups=row_groups, **named)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", iter_batches)
    day = datetime.fromtimestamp(START / 1000, UTC) + timedelta(days=3)
    within = Range.parse(day.isoformat(), (day + timedelta(days=1)).isoformat())
    reading = read(folder, definition, within)
    assert reading.read == 30_000
    assert reading.outside + len(reading.rows) == 30_000
    assert len(requested) <= 4


def test_a_job_says_what_it_left_out(tmp_path, definition):
    code = tmp_path / "code"
    code.mkdir()
    (code / "definition.json").write_text(json.dumps(definition.to_json()))
    settings = Settings(ALL, "v1", rows=10_000)
    assert (
        run(_write(tmp_path / "lake", 60_000), code, tmp_path / "m", tmp_path / "d", settings) == 0
    )
    metadata = json.loads((tmp_path / "m" / "metadata.json").read_text())
    assert metadata["rows"]["left_out"] == pytest.approx(50_000, rel=0.02)
    assert 0 < metadata["sample"]["share"] < 0.2
