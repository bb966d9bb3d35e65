"""docs/differences.md: each difference names a test that exists, or says why there is none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "differences.md").read_text()
ROWS = [
    line.strip("| ").split(" | ")
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| what | AWS ", "|---"))
]
REFERENCE = re.compile(r"`([\w/.]+)::(\w+)`")


def _tests(path: Path) -> set[str]:
    """The names of the tests in a file, Python's or Java's."""
    if path.suffix == ".java":
        return set(re.findall(r"^  void (\w+)\(", path.read_text(), re.MULTILINE))
    functions = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef))
    return {f.name for f in functions if f.name.startswith("test_")}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_difference_is_guarded_by_a_test_or_says_why_not(row: list[str]) -> None:
    guard = row[-1]
    references = REFERENCE.findall(guard)
    assert references or re.match(r"none: .{15,}", guard), guard
    for path, name in references:
        assert (ROOT / path).is_file(), path
        assert name in _tests(ROOT / path), f"{path} has no test {name}"


def test_every_reference_of_the_page_is_looked_at() -> None:
    """One that is written in another form would not be checked."""
    in_rows = sum(len(REFERENCE.findall(row[-1])) for row in ROWS)
    assert TEXT.count("::") == in_rows > 40
