"""docs/notebooks.md: each of its examples reads the lake by path, and sees each row once."""

from __future__ import annotations

import io
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sdpctl.settings import Settings

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs/notebooks.md").read_text(), flags=re.DOTALL
)
BUCKET = "lake-of-notebooks"
OLD = {"tx_id": ["a", "b"], "campaign_item_id": [1, 1]}
NEW = {"tx_id": ["b", "c"], "campaign_item_id": [1, 2], "domain": ["x", "y"]}


@pytest.fixture(scope="module")
def lake(client: Callable[[str], Any], database: str) -> None:
    """Hour 9 is merged, its old files still there; hour 10 is fresh, with a row of hour 9 again."""
    s3, glue = client("s3"), client("glue")
    s3.create_bucket(Bucket=BUCKET)
    table = "adtech/parquet/impressions"
    merged = "adtech/compacted/impressions/date=2026-11-21/hour=09/1"
    fresh = f"{table}/date=2026-11-21/hour=10"
    for folder, columns in (
        (f"{table}/date=2026-11-21/hour=09", OLD),
        (merged, OLD),
        (fresh, NEW),
    ):
        rows = {**columns, "win_price": [5] * 2}
        buffer = io.BytesIO()
        pq.write_table(pa.table(rows), buffer)
        s3.put_object(Bucket=BUCKET, Key=f"{folder}/part.parquet", Body=buffer.getvalue())
    keys = [{"Name": name, "Type": "string"} for name in ("date", "hour")]
    named = {"DatabaseName": database, "TableName": "parquet_impressions"}
    glue.create_table(
        DatabaseName=database,
        TableInput={"Name": "parquet_impressions", "PartitionKeys": keys},
    )
    for hour, folder in (("09", merged), ("10", fresh)):
        storage = {"Location": f"s3://{BUCKET}/{folder}/"}
        values = {"Values": ["2026-11-21", hour], "StorageDescriptor": storage}
        glue.create_partition(**named, PartitionInput=values)


def _run(settings: Settings, *command: str | Path) -> str:
    places = {"SDP_HOME": str(settings.home), "SDP_EMULATOR_PORT": str(settings.emulator_port)}
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | places, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_sees_each_row_once(example: str, settings: Settings, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(example)
    assert _run(settings, settings.python("dev"), script) == "[(1, 2), (2, 1)]\n"


def test_pyarrow_duckdb_and_pandas_are_among_the_examples() -> None:
    assert len(EXAMPLES) == 3
    assert all(name in "".join(EXAMPLES) for name in ("duckdb", "pyarrow", "to_pandas", "S3File"))


@pytest.mark.usefixtures("lake")
def test_the_files_of_a_table_are_those_of_its_registered_hours(settings: Settings) -> None:
    text = _run(settings, ROOT / "sdp", "lake", "parquet_impressions", "--files", "--json")
    assert "compacted/impressions/date=2026-11-21/hour=09/1/part.parquet" in text
    assert "parquet/impressions/date=2026-11-21/hour=09" not in text
    summary = _run(settings, ROOT / "sdp", "lake")
    assert re.search(r"parquet_impressions +2 +.* 2026-11-21 09:00 +2026-11-21 10:00", summary)
