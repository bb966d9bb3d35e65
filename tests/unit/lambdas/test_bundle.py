"""The bundle holds all that the functions import, for each interpreter, and nothing stale."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lambdas import bundle

HANDLERS = sorted(
    ".".join(path.relative_to(bundle.ROOT).with_suffix("").parts)
    for path in (bundle.ROOT / "lambdas").glob("*/handler.py")
)
# Only the bundle and the standard library can be seen: no site-packages, no current folder.
PROBE = """
import sys
sys.path.append(sys.argv[1])
for name in sys.argv[2:]:
    __import__(name)
outside = [m for m in sys.modules.values() if "site-packages" in (getattr(m, "__file__", "") or "")]
assert not outside, outside
"""


@pytest.fixture(scope="module")
def built() -> Path:
    bundle.build()
    return bundle.BUNDLE


def _interpreters() -> dict[str, str]:
    """Those of the supported versions that this machine has; the running one is among them."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": sys.executable}
    uv = shutil.which("uv")
    for version in set(bundle.PYTHONS) - set(found) if uv else ():
        command = [str(uv), "python", "find", "--no-project", "--system", version]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            found[version] = done.stdout.strip()
    return found


@pytest.mark.parametrize("interpreter", _interpreters().values(), ids=_interpreters())
def test_every_handler_is_imported_from_the_bundle_alone(built: Path, interpreter: str) -> None:
    region = {"AWS_DEFAULT_REGION": "us-east-1"}
    command = [interpreter, "-I", "-S", "-B", "-c", PROBE, str(built), *HANDLERS]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **region})
    assert done.returncode == 0, done.stderr


def test_compiled_extensions_are_there_for_each_interpreter(built: Path) -> None:
    for version in bundle.PYTHONS:
        tag = "cpython-" + version.replace(".", "")
        assert {p.parent.name for p in built.rglob(f"*.{tag}-*.so")} == {"orjson", "pydantic_core"}


def test_what_is_up_to_date_is_not_built_again(built: Path) -> None:
    before = built.stat().st_mtime_ns
    assert bundle.build() is False
    assert built.stat().st_mtime_ns == before


def test_nothing_that_differs_between_builds_is_in_it(built: Path) -> None:
    names = {path.name for path in built.rglob("*")}
    assert not names & {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
