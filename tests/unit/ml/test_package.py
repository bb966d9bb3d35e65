"""The jobs' source: the same bytes each time, whole without the repository, and no newer Python."""

import ast
import json
import os
import re
import subprocess
import sys
import tarfile
from dataclasses import replace
from importlib.metadata import version
from types import SimpleNamespace

import pytest

import usecases
from glue import PlatformError
from lambdas import bundle
from ml import package, wheels
from ml.artifact import METRICS
from tests import wheels as made_up
from tests.unit.ml.auctions import auctions, request, write

ADTECH = usecases.load().use_case("adtech")
# What the container brings, and what those bring.
BROUGHT = {"matplotlib", "numpy", "pandas", "pyarrow", "scipy", "threadpoolctl", "xgboost"}
BROUGHT |= set(package.INSTALLED)
# Of what the libraries in the archive need, what the container has: its Dockerfile names it.
CONTAINER = {"numpy": "2.1.0"}
# Names of the standard library that Python 3.10 does not have, as far as anyone here uses them.
NEWER = re.compile(
    r"\b(StrEnum|assert_never|Self|tomllib|ExceptionGroup|datetime\.UTC|import.* UTC)\b"
)


def test_the_same_sources_give_the_same_bytes(tmp_path):
    one, two = (package.build(ADTECH, tmp_path / name).read_bytes() for name in "ab")
    assert one == two


def test_the_archive_has_the_definition_as_data_and_no_declaration(tmp_path):
    with tarfile.open(package.build(ADTECH, tmp_path)) as tar:
        names = tar.getnames()
        definition = json.load(tar.extractfile("definition.json"))
    assert definition["label"] == "won"
    assert {"train.py", "evaluate.py", "inference.py"} <= set(names)
    assert not [n for n in names if n.startswith("usecases") or "launch" in n or "package" in n]


def test_it_imports_only_what_the_container_brings_and_parses_as_its_python():
    own = {"features", "ml", "setuptools"}
    for name, content in package.contents(ADTECH):
        if not name.endswith(".py"):
            continue
        parsed = ast.parse(content, name, feature_version=(3, 10))
        assert not NEWER.search(content.decode()), name
        for node in ast.walk(parsed):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module]
            for module in modules:
                top = module.split(".")[0]
                assert top in own | BROUGHT or top in sys.stdlib_module_names, f"{name}: {top}"


def test_every_module_that_is_imported_is_in_the_archive():
    files = dict(package.contents(ADTECH))
    for name, content in files.items():
        for module in re.findall(rb"^from ((?:features|ml)[\w.]*) import", content, re.M):
            path = module.decode().replace(".", "/")
            assert f"{path}.py" in files or f"{path}/__init__.py" in files, f"{name}: {path}"


def test_what_the_container_installs_is_all_of_it(monkeypatch):
    given = {}
    fake = SimpleNamespace(setup=lambda **found: given.update(found))
    monkeypatch.setitem(sys.modules, "setuptools", fake)
    files = dict(package.contents(ADTECH))
    exec(files["setup.py"], {})  # noqa: S102 (our own text)
    assert given["packages"] == ["features", "ml"]
    assert given["py_modules"] == ["evaluate", "inference", "train"]


def test_a_use_case_without_a_model_has_no_archive(tmp_path):
    with pytest.raises(PlatformError, match="declares no model"):
        package.build(replace(ADTECH, model=None), tmp_path)


def test_jobs_and_endpoint_run_from_the_archive_alone(tmp_path):
    """Training, evaluation and an answer, each in a process that knows only the archive."""
    code = package.tree(ADTECH, tmp_path / "code")
    lake = write(auctions(8_000), tmp_path / "lake", parts=2)
    model, output, verdict = (tmp_path / name for name in ("model", "data", "verdict"))
    channels = {"SM_CHANNEL_TRAIN": lake, "SM_CHANNEL_TEST": lake, "SM_CHANNEL_CHALLENGER": model}
    training = {"SM_MODEL_DIR": model, "SM_OUTPUT_DATA_DIR": output}
    _python(code, {**channels, **training}, "train.py", "--rounds", "20", "--version", "seven")
    assert json.loads((model / METRICS).read_text())["rows"]["used"] == 8_000
    said = _python(code, {**channels, "SM_MODEL_DIR": verdict}, "evaluate.py")
    assert json.loads(said)["decision"] == "promote"
    carried = {p.relative_to(model / "code").as_posix() for p in (model / "code").rglob("*.*")}
    names = {name for name, _ in package.contents(ADTECH) if not name.startswith("wheels/")}
    assert carried == names - {"requirements.txt"}
    requested = json.dumps(request(auctions(1)[0]))
    answer = (
        f"from inference import *; m = model_fn({str(model)!r}); "
        f"print(output_fn(predict_fn(input_fn({requested!r}), m))[0])"
    )
    found = json.loads(_python(model / "code", {}, "-c", answer))
    assert found["model_version"] == "seven"
    assert 0 < found["predictions"][0]["score"] < 1


def test_the_archive_has_all_that_the_container_installs(tmp_path):
    """For the container's Python and platform, without a package index."""
    code = package.tree(ADTECH, tmp_path / "code")
    (tmp_path / "container").mkdir()
    for library in CONTAINER.items():
        (tmp_path / "container" / made_up.name(*library)).write_bytes(made_up.content(*library))
    resolved = _resolved(code, tmp_path)
    assert resolved.returncode == 0, resolved.stderr
    installed = dict(re.findall(r"^ \+ (\S+)==(\S+)$", resolved.stderr, re.MULTILINE))
    assert {name: version(name) for name in package.INSTALLED}.items() <= installed.items()
    carried = {path.name.partition("-")[0] for path in (code / "wheels").iterdir()}
    assert {name.replace("-", "_") for name in installed} - CONTAINER.keys() <= carried
    next((code / "wheels").glob("sympy-*")).unlink()
    without = _resolved(code, tmp_path)
    assert without.returncode and "sympy" in without.stderr


def _resolved(code, folder):
    """What an installer finds that knows the archive and the container's own libraries alone."""
    container = ["--python-version", wheels.PYTHON, "--python-platform", wheels.PLATFORM]
    options = ["--dry-run", "--offline", "--no-cache", "--only-binary", ":all:"]
    own = ["--find-links", folder / "container", "--target", folder / "empty"]
    command = [bundle.UV, "pip", "install", *options, *container, *own, "-r", "requirements.txt"]
    return subprocess.run(command, cwd=code, capture_output=True, text=True, check=False)


def test_the_container_builds_the_source_without_a_package_index(tmp_path):
    """pip does that in an environment of its own, into which it installs setuptools."""
    code = package.tree(ADTECH, tmp_path / "code")
    listed = (code / "requirements.txt").read_text().splitlines()
    # Those that are listed are of another Python than this one.
    (code / "requirements.txt").write_text("\n".join(n for n in listed if "==" not in n))
    pip = [wheels.INSTALLER, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    command = [*pip, "--target", tmp_path / "site", ".", "-r", "requirements.txt"]
    done = subprocess.run(command, cwd=code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"features", "ml", "train.py"} <= {path.name for path in (tmp_path / "site").iterdir()}


def _python(folder, environment, *arguments):
    """What a Python says that runs in the folder and has the environment alone."""
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "MPLBACKEND": "agg"}
    env |= {name: str(value) for name, value in environment.items()}
    command = [sys.executable, "-B", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]
