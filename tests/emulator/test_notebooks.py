"""docs/notebooks.md: each of its examples reads the lake by path, and sees each row once."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from sdpctl.settings import Settings

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs/notebooks.md").read_text(), flags=re.DOTALL
)


def _run(settings: Settings, *command: str | Path) -> str:
    places = {"SDP_HOME": str(settings.home), "SDP_EMULATOR_PORT": str(settings.emulator_port)}
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | places, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("aged_lake")
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_sees_each_row_once(example: str, settings: Settings, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(example)
    assert _run(settings, settings.python("dev"), script) == "[(1, 2), (2, 1)]\n"


def test_pyarrow_duckdb_and_pandas_are_among_the_examples() -> None:
    assert len(EXAMPLES) == 3
    assert all(name in "".join(EXAMPLES) for name in ("duckdb", "pyarrow", "to_pandas", "S3File"))


@pytest.mark.usefixtures("aged_lake")
def test_the_files_of_a_table_are_those_of_its_registered_hours(settings: Settings) -> None:
    text = _run(settings, ROOT / "sdp", "lake", "parquet_impressions", "--files", "--json")
    assert re.search(r"compacted/impressions/date=2026-11-21/hour=09/000001-0/\w+.parquet", text)
    assert "parquet/impressions/date=2026-11-21/hour=09" not in text
    summary = _run(settings, ROOT / "sdp", "lake")
    assert re.search(r"parquet_impressions +2 +.* 2026-11-21 09:00 +2026-11-21 10:00", summary)
