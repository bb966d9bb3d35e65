"""Every example of every page: run here as it is printed, run by another test, or marked in the
page with the reason why no test runs it (the word behind the fence's language).

A page's blocks run in their order on the platform, in a folder that looks like the project's, with
the variables that earlier blocks have exported. `--region …` is left out: without it the commands
speak to this platform.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

import pytest

from sdpctl.settings import ROOT, Settings
from tests.local.commands import bash, sdp
from tests.local.driver import Driver, wait_until
from tests.local.test_compaction import Lake

NOT_RUN = {
    "aws": "needs an AWS account, its command line or the CDK's",
    "corrected": "a person corrects a file in between: tests/unit/lambdas/test_replaying.py does",
    "excerpt": "a part of a file that the page explains",
    "minutes": "takes minutes; the commands that it starts have tests of their own",
    "model": "needs a model, which takes minutes to train: tests/local/test_model.py has one",
}
# By page and language: the tests that run its blocks, because they look at what they print.
ELSEWHERE = {
    ("docs/actions.md", "python"): "tests/unit/lambdas/dispatch/test_page.py",
    ("README.md", "bash"): "tests/local/test_readme.py",
    ("docs/clients.md", "python"): "tests/emulator/test_clients.py",
    ("docs/mqtt.md", "python"): "tests/emulator/test_mqtt.py",
    ("docs/model.md", "bash"): "tests/unit/ml/test_launch.py",
    ("docs/notebooks.md", "python"): "tests/emulator/test_notebooks.py",
    ("docs/use-cases.md", "bash"): "tests/local/test_evolution.py",
    ("docs/use-cases.md", "python"): "tests/unit/test_use_case_page.py",
    ("docs/use-cases.md", "sql"): "tests/flink/test_pipelines.py",
}
# They read the lake, so they run here too, where one hour is merged and another is as delivered.
OF_THE_LAKE = {("docs/clients.md", "python"), ("docs/notebooks.md", "python")}
# What a page takes for granted that a block needs, by the block's first words.
BEFORE = {"./sdp keys create partner-a-2": "./sdp keys create partner-a"}
OUTPUT = ("", "json", "text")
HERE, PLATFORM = "", "platform"

_FENCE = re.compile(r"^```(\w*) ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LEFT_OUT = {".git", ".sdp", ".ruff_cache", ".mypy_cache", ".pytest_cache"}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the word behind it, its lines, and what follows as output."""

    page: str
    language: str
    mark: str
    text: str
    output: str | None

    @property
    def runs_here(self) -> bool:
        """Whether this module runs it."""
        if self.mark == PLATFORM:
            return True
        kind = (self.page, self.language)
        return self.mark == HERE and (kind not in ELSEWHERE or kind in OF_THE_LAKE)

    @property
    def expected(self) -> str | None:
        """What it prints; None if that depends on the lake's rows, or is not on the page."""
        return None if (self.page, self.language) in OF_THE_LAKE else self.output


def _blocks() -> Iterator[Block]:
    paths = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("usecases/*/README.md"),
    ]
    for path in sorted(paths):
        page = str(path.relative_to(ROOT))
        found = list(_FENCE.finditer(path.read_text()))
        for block, after in zip_longest(found, found[1:]):
            language, mark, text = block.groups()
            follows = after and after.start() == block.end() + 1 and not after[1]
            if language not in OUTPUT:
                yield Block(page, language, mark, text, after[3] if after and follows else None)


BLOCKS = list(_blocks())
PAGES = list(dict.fromkeys(block.page for block in BLOCKS if block.runs_here))


def test_every_block_is_run_or_says_why_not() -> None:
    marks = {block.mark for block in BLOCKS}
    assert marks == {HERE, PLATFORM, *NOT_RUN}
    assert {block.language for block in BLOCKS if block.runs_here} == {"bash", "python"}
    used = {(block.page, block.language) for block in BLOCKS if block.mark == HERE}
    assert ELSEWHERE.keys() <= used
    assert all((ROOT / test).is_file() for test in ELSEWHERE.values())
    assert all(any(b.text.startswith(words) for b in BLOCKS) for words in BEFORE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with all that the project's has; what an example writes is not in there."""
    for entry in ROOT.iterdir():
        if entry.name not in _LEFT_OUT:
            (tmp_path / entry.name).symlink_to(entry)
    return tmp_path


@pytest.fixture
def _keys(settings: Settings) -> Iterator[None]:
    """The keys are those of before: the other tests have the deployment's."""
    yield
    sdp(settings, "keys", "restore", "deployment")
    for name in ("partner-a", "partner-a-2", "operator-2"):
        sdp(settings, "keys", "revoke", name)


@pytest.fixture(scope="module")
def _aged(driver: Driver) -> Iterator[None]:
    """The lake is old enough to have compacted: an hour of impressions is merged, and the files
    that were delivered are still there. Those of the tests before are in another hour.
    """
    lake = Lake(driver, "impressions")
    at = datetime(2026, 1, 2, 3, tzinfo=UTC)
    row = {"app_uid": "app", "win_price": 2160, "occurred_at": at}
    try:
        for n in range(4):  # two files for each of two campaigns
            ids = {"event_id": f"aged-{n}", "tx_id": f"aged-{n}", "campaign_item_id": 1 + n % 2}
            lake.deliver(f"{n}.parquet", [row | ids])
        assert lake.compact()
        wait_until(lambda: lake.hours() > 1, 400, lambda: "no fresh hour of impressions")
        yield
    finally:
        lake.remove()


@pytest.mark.usefixtures("_keys", "_aged")
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run_as_they_are_printed(
    page: str, settings: Settings, project: Path
) -> None:
    exports: list[str] = []
    for block in (b for b in BLOCKS if b.page == page and b.runs_here):
        printed = _run(block, exports, settings, project)
        assert block.expected is None or printed == block.expected, block.text
        exports += re.findall(r"^export [^$]*$", block.text, re.MULTILINE)


def _run(block: Block, exports: list[str], settings: Settings, project: Path) -> str:
    """What a block prints; it must end well."""
    text = re.sub(r" --region [a-z0-9-]+", "", block.text)
    before = [line for words, line in BEFORE.items() if text.startswith(words)]
    if block.language == "python":
        (project / "example.py").write_text(text)
        text = f"exec {settings.python('clients')} -W ignore example.py"
    environment = settings.aws_environment()
    environment["PATH"] += f"{os.pathsep}{settings.python('clients').parent}"
    script = "\n".join([*exports, *before, text])
    return bash(script, folder=project, environment=environment, seconds=600)
