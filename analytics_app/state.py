"""Builds `build/state.json`: the operators with state of each use case, as Flink plans them.

    python -m analytics_app.state

Only use cases whose SQL has changed since are planned, all in one process of Flink's environment.
Parameters have their defaults: the operators do not depend on them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from analytics_app.connectors import Kinesis
from analytics_app.package import JAR, ROOT
from analytics_app.package import TARGET as CODE
from analytics_app.rendering import LEDGER, render
from glue import PlatformError, UseCase
from glue.catalog import DEAD_LETTERS, PROGRESS
from glue.state import Operator
from glue.targets import flink
from usecases import load

TARGET = ROOT / "build" / "state.json"
PYTHON = ROOT / ".venv" / "flink" / "bin" / "python"
PROGRAM = Path(__file__).with_name("planned.py")
REGION = "us-east-1"
_KINDS = {
    "GroupAggregate": "the GROUP BY",
    "WindowAggregate": "the GROUP BY of windows",
    "OverAggregate": "the OVER window",
    "Deduplicate": "the ROW_NUMBER",
    "Rank": "the ROW_NUMBER",
    "Match": "the MATCH_RECOGNIZE",
    "Join": "the JOIN",
    "IntervalJoin": "the JOIN in time",
    "ProcessTableFunction": "the function",
}
_LAYOUT = re.compile(r"Correlate\(key=\[([^]]*)\], stages=\[([^]]*)\]\)")
_DECISIONS = re.compile(r"Decisions\(key=\[([^]]*)\]\)")
_DEFINITIONS = " definitions"
_PATTERNS = re.compile(r"Patterns\(key=\[([^]]*)\], kinds=\[([^]]*)\]\)")
_SERIES = re.compile(r"SeriesJoin\(key=\[([^]]*)\]\)")


class StateError(PlatformError):
    """A pipeline cannot be planned."""


def build(target: Path = TARGET) -> Path:
    """Plans the use cases whose SQL has changed; returns the file's path.

    Raises StateError with what Flink says of a pipeline.
    """
    use_cases = load().use_cases
    built = json.loads(target.read_text()) if target.exists() else {}
    contents = {u.name: _content(u) for u in use_cases}
    changed = [u for u in use_cases if built.get(u.name, {}).get("content") != contents[u.name]]
    for use_case, operators in zip(changed, _planned(changed), strict=True):
        described = [vars(o) for o in _operators(use_case, operators)]
        built[use_case.name] = {"content": contents[use_case.name], "operators": described}
    kept = {u.name: built[u.name] for u in use_cases}
    partial = target.with_suffix(f".{os.getpid()}.partial")  # others may build it too
    partial.write_text(json.dumps(kept, indent=1))
    partial.replace(target)
    return target


def _content(use_case: UseCase) -> str:
    """A fingerprint of all that the plan depends on."""
    connector = Kinesis(_streams(use_case), REGION, tables=_tables(use_case))
    statements = render(use_case, use_case.configured({}), connector)
    with zipfile.ZipFile(JAR) as jar:
        classes = sorted((entry.filename, entry.CRC) for entry in jar.infolist())
    flink_version = (ROOT / "requirements" / "flink.txt").read_text()
    programs = [PROGRAM.read_text(), Path(__file__).read_text()]
    parts = [statements, classes, flink_version, programs]
    return sha256(repr(parts).encode()).hexdigest()


def _streams(use_case: UseCase) -> dict[tuple[str, str], str]:
    arn = f"arn:aws:kinesis:{REGION}:000000000000:stream/{use_case.name}"
    return {(use_case.name, stream): f"{arn}-{stream}" for stream in use_case.streams}


def _tables(use_case: UseCase) -> dict[str, str]:
    return {use_case.name: f"{use_case.name}-definitions"} if use_case.has_versions else {}


def _planned(use_cases: Sequence[UseCase]) -> list[list[dict[str, Any]]]:
    if not use_cases:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with zipfile.ZipFile(CODE) as archive:
            archive.extractall(folder / "code")
        (folder / "given.json").write_text(json.dumps([_properties(u) for u in use_cases]))
        _run(folder)
        return list(json.loads((folder / "planned.json").read_text()))


def _properties(use_case: UseCase) -> dict[str, str]:
    streams = {f"stream.{u}.{s}": arn for (u, s), arn in _streams(use_case).items()}
    tables = {f"definitions.{u}": table for u, table in _tables(use_case).items()}
    return {"use_cases": use_case.name, "region": REGION, **streams, **tables}


def _run(folder: Path) -> None:
    command = [PYTHON, PROGRAM, folder / "given.json", folder / "planned.json"]
    surroundings = {**os.environ, "FLINK_LOG_DIR": str(folder), "TMPDIR": str(folder)}
    # It lives for seconds: without the second compiler it takes half the CPU time.
    surroundings["JVM_ARGS"] = f"-Djava.io.tmpdir={folder} -XX:TieredStopAtLevel=1"
    done = subprocess.run(
        command, cwd=folder / "code", env=surroundings, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StateError(f"Flink cannot plan the use cases:\n{done.stderr[-4000:]}")


def _operators(use_case: UseCase, planned: Sequence[Mapping[str, Any]]) -> list[Operator]:
    results = _results(use_case)
    return [
        Operator(p["id"], p["former"], _layout(p["description"]), _label(use_case, p, results))
        for p in planned
    ]


def _layout(description: str) -> str:
    if match := _LAYOUT.match(description):
        return f"{match[1]}: {match[2]}"
    if match := _SERIES.match(description):
        return f"{match[1]}: r, s"
    if match := _PATTERNS.match(description):
        return f"{match[1]}: {{{match[2]}}}"
    match = _DECISIONS.match(description)
    return match[1] if match else ""


def _results(use_case: UseCase) -> dict[str, str]:
    """What the table of each stream of results is to people."""
    words = {flink.table_name(r.stream): f"record {r.name}" for r in use_case.records}
    words |= {flink.table_name(r.stream): f"report {r.path}" for r in use_case.reports}
    platform = {PROGRESS: "the progress", LEDGER: "the ledger"}
    return words | platform | {flink.table_name(DEAD_LETTERS): "the dead letters"}


def _label(use_case: UseCase, planned: Mapping[str, Any], results: Mapping[str, str]) -> str:
    kind = re.sub(r"\[\d+\]", "", planned["name"])
    table = kind.rpartition(".")[2]
    match planned["class"]:
        case "SourceTransformation" if kind.endswith(_DEFINITIONS):
            return f"the definitions of {kind.removesuffix(_DEFINITIONS)}"
        case "SourceTransformation":
            return f"the reading of the events of {table}"
        case "SinkTransformation":
            return f"the writing of {results.get(table, table)}"
    if _LAYOUT.match(planned["description"]):
        return f"the correlation {kind}"
    if _PATTERNS.match(planned["description"]):
        return f"the patterns {kind}"
    if _SERIES.match(planned["description"]):
        return f"the join {kind}"
    if _DECISIONS.match(planned["description"]):
        return f"the decisions {kind}"
    tables = (name.rpartition(".")[2] for name in planned["reached"])
    readers = list(dict.fromkeys(results.get(name, name) for name in tables))
    own = [r for r in readers if r.startswith(("record ", "report "))] or readers
    return f"{_KINDS.get(kind, kind)} for {' and '.join(own)}"


if __name__ == "__main__":
    print(build())
