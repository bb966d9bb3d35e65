"""Builds `build/analytics.zip`, the code Managed Flink takes, and checks what it holds.

    python -m analytics_app.package

It has the use cases and what they and main.py import, so no other rendering, no scoring, no
generator. The same sources give the same bytes: names are sorted, times and modes are fixed.
"""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from modulefinder import ModuleFinder
from pathlib import Path

from analytics_app.configuration import is_allowed
from glue import PlatformError

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "analytics.zip"
JVM = ROOT / "analytics_app" / "jvm"
MAIN = ROOT / "analytics_app" / "main.py"
USE_CASES = ROOT / "usecases"
JAR = JVM / "target" / "sdp.jar"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_GENERATING = {"generator.py", "demonstration.py", "live.py"}
_LEFT_OUT = {"__pycache__", "tests", "queries", "test_cases.py", *_GENERATING}
_RUNTIME = ("pandas", "numpy", "pyarrow", "pyflink")
_NEEDED = (
    "main.py",
    "lib/sdp.jar",
    "analytics_app/rendering.py",
    "glue/targets/flink.py",
    "usecases/__init__.py",
    "annotated_types/__init__.py",
)
# Keys that are set: what is only read of the configuration may be any.
_KEY = re.compile(
    r"""(?<!config\.get\()"""
    r"""["']((?:execution|state|parallelism|restart-strategy|taskmanager|jobmanager|cluster"""
    r"""|rest|pipeline|python|table|env|high-availability)\.[a-z0-9.-]+)["']"""
)


class PackageError(PlatformError):
    """The zip cannot be built, or holds what it must not."""


def build(target: Path = TARGET) -> Path:
    """Builds the jar if it is older than its sources, then the zip; checks it; returns its path."""
    build_jar()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}.partial")  # others may build it too
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(contents()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    check(partial)
    partial.replace(target)
    return target


def build_jar() -> None:
    """Runs Maven if the jar is missing or older than one of its sources.

    Raises PackageError with the end of Maven's output.
    """
    sources = [JVM / "pom.xml", *(p for p in (JVM / "src" / "main").rglob("*") if p.is_file())]
    if JAR.exists() and JAR.stat().st_mtime >= max(p.stat().st_mtime for p in sources):
        return
    command = ["mvn", "-q", "-B", "-DskipTests", "package"]
    done = subprocess.run(command, cwd=JVM, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-4000:]}")


def contents() -> Iterator[tuple[str, Path]]:
    """Name in the zip and path of each file."""
    yield "main.py", MAIN
    yield "lib/sdp.jar", JAR
    yield from _files("usecases", USE_CASES)
    for path in _imported():
        yield path.relative_to(ROOT).as_posix(), path
    spec = find_spec("annotated_types")
    if spec is None or spec.origin is None:
        raise PackageError("annotated_types is not installed: it is part of the zip")
    yield from _files("annotated_types", Path(spec.origin).parent)


def _imported() -> Iterator[Path]:
    """Our modules that main.py and the use cases import, but for the use cases' own."""
    finder = ModuleFinder([str(ROOT)])
    finder.run_script(str(MAIN))
    for package in USE_CASES.glob("*/__init__.py"):
        finder.import_hook(f"usecases.{package.parent.name}")
    files = (getattr(module, "__file__", None) for module in finder.modules.values())
    found = (Path(file) for file in files if file)
    return (path for path in found if path != MAIN and USE_CASES not in path.parents)


def _files(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        shipped = path.suffix in (".py", ".sql", ".typed")
        if shipped and path.is_file() and not _LEFT_OUT.intersection(inside.parts):
            yield f"{name}/{inside.as_posix()}", path


def check(path: Path) -> None:
    """Raises PackageError where the zip lacks a part, or holds what Managed Flink refuses."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        texts = {n: archive.read(n).decode() for n in names if n.endswith(".py")}
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise PackageError(f"{path.name}: lacks {missing}")
    jars = [name for name in names if name.endswith(".jar")]
    if len(jars) != 1:
        raise PackageError(f"{path.name}: holds {len(jars)} jars, Managed Flink takes one: {jars}")
    foreign = [name for name in names if name.split("/")[0] in _RUNTIME]
    if foreign:
        raise PackageError(f"{path.name}: holds packages of the runtime: {foreign[:3]}")
    refused = [(n, k) for n, t in texts.items() for k in _KEY.findall(t) if not is_allowed(k)]
    if refused:
        raise PackageError(f"{path.name}: sets keys Managed Flink refuses: {refused}")


if __name__ == "__main__":
    print(build())
