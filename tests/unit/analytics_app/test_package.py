"""What the zip for Managed Flink holds, and what its check refuses."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from analytics_app import package
from analytics_app.package import PackageError, check

# Imports the job and every use case, and prints the files of what was imported. Flink's runtime
# brings pyflink, which is not in this environment.
PROBE = """
import sys
from importlib import import_module
from pathlib import Path
from unittest.mock import MagicMock

sys.path.insert(0, ".")
sys.modules["pyflink"] = sys.modules["pyflink.table"] = MagicMock()
import_module("main")
for package in Path("usecases").glob("*/__init__.py"):
    import_module(f"usecases.{package.parent.name}")
print(*(m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None)))
"""
GOOD = dict.fromkeys(package._NEEDED, "")


@pytest.fixture
def zipped(tmp_path):
    def write(files):
        path = tmp_path / "analytics.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return path

    return write


def test_a_zip_with_all_its_parts_passes(zipped):
    check(zipped(GOOD))


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_part_is_named(zipped, name):
    with pytest.raises(PackageError, match=name):
        check(zipped({n: t for n, t in GOOD.items() if n != name}))


def test_a_second_jar_is_refused(zipped):
    with pytest.raises(PackageError, match="2 jars"):
        check(zipped(GOOD | {"lib/other.jar": ""}))


@pytest.mark.parametrize("name", ["pandas", "numpy", "pyarrow"])
def test_what_the_runtime_brings_is_refused(zipped, name):
    with pytest.raises(PackageError, match=name):
        check(zipped(GOOD | {f"{name}/__init__.py": ""}))


@pytest.mark.parametrize(
    "key", ["parallelism.default", "execution.checkpointing.interval", "state.backend.type"]
)
def test_a_key_that_managed_flink_refuses_is_named(zipped, key):
    with pytest.raises(PackageError, match=key):
        check(zipped(GOOD | {"analytics_app/x.py": f'config.set("{key}", "1")'}))


def test_any_key_may_be_read(zipped):
    check(zipped(GOOD | {"analytics_app/x.py": 'config.get("parallelism.default", "1")'}))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zip")
    for name, path in package.contents():
        if path != package.JAR:  # it may not be built yet
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(path.read_bytes())
    return folder


def test_the_zip_has_the_modules_that_the_job_imports_and_no_other(unpacked):
    command = [sys.executable, "-B", "-I", "-c", PROBE]
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    imported = {Path(unpacked, path).resolve() for path in done.stdout.split()}
    assert set(unpacked.rglob("*.py")) <= imported


def test_tests_generators_the_java_module_and_caches_stay_out():
    names = [name for name, _ in package.contents()]
    assert not [n for n in names if "/test" in n or "jvm" in n or "__pycache__" in n]
    assert not [n for n in names if "generator" in n or "queries" in n]
    assert "usecases/adtech/pipeline/20_refused.sql" in names


def test_two_builds_of_the_same_sources_are_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "build_jar", lambda: None)
    jar = tmp_path / "sdp.jar"
    jar.write_bytes(b"jar")
    monkeypatch.setattr(package, "JAR", jar)
    first = package.build(tmp_path / "a.zip").read_bytes()
    assert package.build(tmp_path / "b.zip").read_bytes() == first
