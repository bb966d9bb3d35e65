"""A bundle holds all that its functions import, for each interpreter, and nothing stale."""

import os
import re
import subprocess
import sys

import pytest

from lambdas import bundle
from lambdas.bundle import DEFINITIONS, LAKE, SHARED, Bundle

HANDLERS = sorted(
    (path.parent.name, path.stem)
    for path in (bundle.ROOT / "lambdas").glob("*/*.py")
    if "\ndef handler(" in path.read_text() or path.stem == "handler"
)
# What the compiled extensions of each bundle belong to; duckdb's fits every later CPython.
EXTENSIONS = {
    SHARED: {"3.11": {"orjson", "pydantic_core"}, "3.12": {"orjson", "pydantic_core"}},
    DEFINITIONS: {
        version: {"cel_expr_python", "orjson", "pydantic_core"} for version in ("3.11", "3.12")
    },
    LAKE: {"3.11": {"orjson", "lake"}, "3.12": {"orjson"}},
}
# AWS counts a function's folder unpacked.
LIMIT_BYTES = 250 * 2**20
# Only the bundle and the standard library can be seen: no site-packages, no current folder.
PROBE = """
import sys
sys.path.append(sys.argv[1])
for name in sys.argv[2:]:
    __import__(name)
outside = [m for m in sys.modules.values() if "site-packages" in (getattr(m, "__file__", "") or "")]
assert not outside, outside
"""


@pytest.fixture(scope="module", params=bundle.BUNDLES, ids=lambda b: b.folder.name)
def built(request: pytest.FixtureRequest) -> Bundle:
    found: Bundle = request.param
    bundle.build(found)
    return found


def handlers(of: Bundle) -> list[str]:
    """The modules of the functions that run from the bundle."""
    elsewhere = {name for other in bundle.BUNDLES for name in other.handlers}
    own = of.handlers or {name for name, _ in HANDLERS} - elsewhere
    return [f"lambdas.{name}.{module}" for name, module in HANDLERS if name in own]


def _interpreters() -> dict[str, str]:
    """Those of the supported versions that this machine has; the running one is among them."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": sys.executable}
    for version in set(bundle.PYTHONS) - set(found):
        command = [str(bundle.UV), "python", "find", "--no-project", "--system", version]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            found[version] = done.stdout.strip()
    return found


@pytest.mark.parametrize("interpreter", _interpreters().values(), ids=_interpreters())
def test_every_handler_is_imported_from_its_bundle_alone(built: Bundle, interpreter: str) -> None:
    region = {"AWS_DEFAULT_REGION": "us-east-1"}
    command = [interpreter, "-I", "-S", "-B", "-c", PROBE, str(built.folder), *handlers(built)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **region})
    assert done.returncode == 0, done.stderr


def test_compiled_extensions_are_there_for_each_interpreter(built: Bundle) -> None:
    for version in bundle.PYTHONS:
        tag = "cpython-" + version.replace(".", "")
        found = {p.parent.name for p in built.folder.rglob(f"*.{tag}-*.so")}
        assert found == EXTENSIONS[built][version]


def test_a_bundle_is_small_enough_for_a_function(built: Bundle) -> None:
    size = sum(path.stat().st_size for path in built.folder.rglob("*") if path.is_file())
    assert size < LIMIT_BYTES


def test_what_is_up_to_date_is_not_built_again(built: Bundle) -> None:
    before = built.folder.stat().st_mtime_ns
    assert bundle.build(built) is False
    assert built.folder.stat().st_mtime_ns == before


def test_nothing_that_differs_between_builds_is_in_it(built: Bundle) -> None:
    names = {path.name for path in built.folder.rglob("*")}
    assert not names & {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}


def test_a_bundle_has_the_description_of_each_service_that_an_adapter_calls() -> None:
    """Without it the client is not made: all that the function serves would fail."""
    adapters = (bundle.ROOT / "lambdas/adapters").glob("*.py")
    called = {
        name
        for path in adapters
        for name in re.findall(r'boto3\.client\(\s*"([a-z0-9-]+)"', path.read_text("utf-8"))
    }
    assert len(called) > 5
    assert called <= {*bundle.SERVICES}
