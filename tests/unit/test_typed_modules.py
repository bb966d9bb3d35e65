"""Every module of aws_cdk that the project imports is read by the type checker.

What it does not read has the type Any, and a wrong argument passes.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from sdpctl.settings import ROOT

MYPY = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]


def _read() -> set[str]:
    found = [o for o in MYPY["overrides"] if o.get("follow_imports") == "silent"]
    return {name for override in found for name in override["module"]}


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "aws_cdk":
            yield from (f"aws_cdk.{alias.name}" for alias in node.names if alias.name.islower())
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aws_cdk."):
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.partition(".")[0] == "aws_cdk")


def test_the_checker_reads_what_is_imported_and_no_more() -> None:
    roots = [ROOT / name for name in MYPY["files"]]
    files = [f for root in roots for f in ([root] if root.is_file() else root.rglob("*.py"))]
    assert _read() == {"aws_cdk"} | {name for file in files for name in _imported(file)}
