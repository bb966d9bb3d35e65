"""Builds the folders that functions are deployed from, under `build/lambdas`.

Most functions share `bundle`; a function with heavy dependencies has a bundle of its own, so that
the others stay small. Each contains features, glue, usecases, lambdas and the dependencies of its
requirements for each supported CPython. The file names of compiled extensions have the version,
so several fit in one folder: AWS runs the newest, the local emulator its own interpreter.

`python -m lambdas.bundle` does nothing for a folder that is up to date.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "lambdas"
UV = ROOT / ".venv" / "bootstrap" / "bin" / "uv"  # the Makefile installs it
PACKAGES = ("features", "glue", "usecases", "lambdas")
PYTHONS = ("3.11", "3.12")
PLATFORM = "x86_64-manylinux_2_28"
# botocore describes 400 services; a bundle needs these.
SERVICES = (
    "apigateway",
    "athena",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "events",
    "firehose",
    "glue",
    "kinesis",
    "kinesisanalyticsv2",
    "logs",
    "s3",
    "sagemaker",
    "sagemaker-runtime",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
)
_LEFT_OUT = ("__pycache__", "*.pyc", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
# No function generates or demonstrates events.
_OURS_LEFT_OUT = shutil.ignore_patterns("generator.py", "demonstration.py", "live.py", *_LEFT_OUT)


@dataclass(frozen=True)
class Bundle:
    """A folder of functions; `handlers` are the packages below `lambdas` that run from it.

    A bundle without handlers serves all functions that are in no other bundle.
    """

    folder: Path
    requirements: Path
    handlers: tuple[str, ...] = ()

    @property
    def dependencies(self) -> Path:
        """Only the dependencies, so that a change of code needs no download."""
        return self.folder.with_name(f"{self.folder.name}-dependencies")


SHARED = Bundle(FOLDER / "bundle", ROOT / "requirements" / "lambda.txt")
LAKE = Bundle(FOLDER / "lake", ROOT / "requirements" / "lake.txt", ("compact",))
DEFINITIONS = Bundle(
    FOLDER / "definitions", ROOT / "requirements" / "definitions.txt", ("definitions",)
)
BUNDLES = (SHARED, LAKE, DEFINITIONS)


def build(bundle: Bundle) -> bool:
    """Bring the bundle up to date. Returns whether anything had to be done."""
    fingerprint = _fingerprint(_sources(bundle))
    stamp = bundle.folder.with_suffix(".stamp")
    if bundle.folder.is_dir() and stamp.is_file() and stamp.read_text() == fingerprint:
        return False
    _install(bundle)
    fresh = bundle.folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(bundle.dependencies, fresh)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, fresh / package, ignore=_OURS_LEFT_OUT)
    shutil.rmtree(bundle.folder, ignore_errors=True)
    fresh.rename(bundle.folder)
    stamp.write_text(fingerprint)
    return True


def _install(bundle: Bundle) -> None:
    folder = bundle.dependencies
    fingerprint = _fingerprint([bundle.requirements, Path(__file__)])
    stamp = folder.with_suffix(".stamp")
    if folder.is_dir() and stamp.is_file() and stamp.read_text() == fingerprint:
        return
    shutil.rmtree(folder, ignore_errors=True)
    for python in PYTHONS:
        other = folder.with_name(f"{folder.name}-python{python}")
        shutil.rmtree(other, ignore_errors=True)
        _pip_install(other, bundle.requirements, python)
        shutil.copytree(other, folder, ignore=_ignored, dirs_exist_ok=True)
        shutil.rmtree(other)
    stamp.write_text(fingerprint)


def _pip_install(target: Path, requirements: Path, python: str) -> None:
    if not UV.is_file():
        raise SystemExit(f"{UV.relative_to(ROOT)} is missing; run 'make env' to install it")
    options = ["--require-hashes", "--only-binary", ":all:", "--link-mode", "copy"]
    versions = ["--python-version", python, "--python-platform", PLATFORM]
    subprocess.run(
        [UV, "pip", "install", "-q", *options, *versions, "--target", target, "-r", requirements],
        check=True,
        cwd=ROOT,
    )


def _ignored(folder: str, names: list[str]) -> set[str]:
    """File names to leave out of a folder that is copied."""
    left_out = shutil.ignore_patterns(*_LEFT_OUT)(folder, names)
    path = Path(folder)
    if path.parts[-2:] == ("botocore", "data"):
        left_out |= {n for n in names if (path / n).is_dir() and n not in SERVICES}
    if path.name == "cel_expr_python":
        left_out |= {"ext"} & set(names)  # extensions that no expression may use
    if path.name.endswith(tuple(f"-python{python}" for python in PYTHONS)):
        left_out |= {"bin", ".lock", "bazel-project"} & set(names)
    return left_out


def _sources(bundle: Bundle) -> list[Path]:
    return [bundle.requirements, *(p for package in PACKAGES for p in _files(ROOT / package))]


def _files(folder: Path) -> Iterator[Path]:
    files = (p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return iter(sorted(files))


def _fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(ROOT)}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    for each in BUNDLES:
        built = build(each)
        path = each.folder.relative_to(ROOT)
        sys.stdout.write(f"{'built' if built else 'up to date:'} {path}\n")
