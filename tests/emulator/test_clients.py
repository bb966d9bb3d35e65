"""docs/clients.md line by line, and the clients' own tests, in the environment of the clients."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sdpctl.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/clients.md").read_text()
EXAMPLES = re.findall(r"## (.+?)\n(?:(?!## ).*\n)*?```python\n([^`]*)```\n```\n([^`]*)```", PAGE)


@pytest.fixture
def clients(settings: Settings, aged_lake: str, workgroup: str) -> Callable[..., str]:
    """Runs the clients' Python with arguments, in the environment that the page exports."""
    places = {"SDP_HOME": str(settings.home), "SDP_EMULATOR_PORT": str(settings.emulator_port)}

    def run(*arguments: str | Path) -> str:
        exports = "\n".join(re.findall(r"^export .*", PAGE, re.MULTILINE))
        done = subprocess.run(
            ["bash", "-c", f'{exports}\nexec "$@"', "bash", settings.python("clients"), *arguments],
            cwd=ROOT,
            env=os.environ | places,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize(("title", "example", "output"), EXAMPLES, ids=[e[0] for e in EXAMPLES])
def test_an_example_prints_what_the_page_says(
    title: str, example: str, output: str, clients: Callable[..., str], tmp_path: Path
) -> None:
    script = tmp_path / "example.py"
    script.write_text(example)
    assert clients("-W", "ignore", script) == output, title


def test_every_client_has_an_example() -> None:
    names = {title for title, _, _ in EXAMPLES}
    assert names == {
        "boto3",
        "PyAthena",
        "SQLAlchemy",
        "awswrangler",
        "pandas and pyarrow",
        "DuckDB",
    }
    assert PAGE.count("```python\n") == len(EXAMPLES)


def test_the_clients_see_a_lake_as_on_aws(clients: Callable[..., str]) -> None:
    """The tests in tests/clients."""
    clients(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--confcutdir=tests/clients",
        "tests/clients",
    )
