"""Builds the source of a use case's jobs and endpoint: `build/ml/{use_case}.tar.gz`.

    python -m ml.package

SageMaker unpacks it and runs `train.py`, `evaluate.py` or `inference.py` from it. It carries the
use case as data, `definition.json`, and `features`, which reads that, but no declaration: the
containers' Python is 3.10 and has none of our dependencies. It brings a setup.py, as the container
installs the folder and would otherwise write one that leaves the packages out, and the wheels of
the libraries that jobs need beside the container's: a job downloads nothing. The same sources give
the same bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import usecases
from glue import PlatformError, UseCase
from ml import wheels

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "ml"
_JOB = """from ml.{name} import main

if __name__ == "__main__":
    raise SystemExit(main())
"""
ENTRIES = {
    "train.py": _JOB.format(name="train"),
    "evaluate.py": _JOB.format(name="evaluate"),
    "inference.py": "from ml.inference import input_fn, model_fn, output_fn, predict_fn\n",
}
_SETUP = """from setuptools import setup

setup(name="sdp-model", version="1", packages={packages!r}, py_modules={modules!r})
"""
_LEFT_OUT = ("package.py", "launch.py", "wheels.py")
# What the container lacks and installs before a job. Jobs alone: a model's code has no such file.
INSTALLED = ("onnx", "onnxruntime")
WHEELS = "wheels"
# The container runs `pip install . -r requirements.txt` in the folder. Without hashes, as pip would
# demand one of the folder too; the wheels were downloaded by their hashes.
_REQUIREMENTS = """--no-index
--find-links {folder}
{pins}
"""


def contents(use_case: UseCase) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file, in order of name. PlatformError where there is no model."""
    if use_case.model is None:
        raise PlatformError(f"{use_case.name}: declares no model")
    definition = json.dumps(use_case.model.definition.to_json(), indent=1, sort_keys=True)
    files = {name: text.encode() for name, text in ENTRIES.items()}
    files["definition.json"] = definition.encode()
    for package in ("features", "ml"):
        modules = (p for p in (ROOT / package).glob("*.py") if p.name not in _LEFT_OUT)
        files |= {f"{package}/{path.name}": path.read_bytes() for path in modules}
    files["setup.py"] = _setup(files).encode()
    files["requirements.txt"] = _requirements().encode()
    files |= {f"{WHEELS}/{path.name}": path.read_bytes() for path in wheels.files()}
    yield from sorted(files.items())


def _requirements() -> str:
    """What the container installs from the archive itself, without a package index."""
    pinned = wheels.versions()
    pins = "\n".join(f"{name}=={pinned[name]}" for name in INSTALLED)
    return _REQUIREMENTS.format(folder=WHEELS, pins=pins)


def _setup(names: Iterable[str]) -> str:
    """The setup.py for `pip install .` in the container, which installs everything."""
    paths = [PurePosixPath(name) for name in names if name.endswith(".py")]
    packages = sorted({".".join(p.parent.parts) for p in paths if p.parent.parts})
    modules = sorted(p.stem for p in paths if not p.parent.parts)
    return _SETUP.format(packages=packages, modules=modules)


def tree(use_case: UseCase, folder: Path) -> Path:
    """The files in a folder, as a container unpacks them."""
    for name, content in contents(use_case):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def build(use_case: UseCase, target: Path = TARGET) -> Path:
    """The archive; its path."""
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"{use_case.name}.tar.gz"
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in contents(use_case):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    partial = path.with_suffix(f".{os.getpid()}.partial")  # others may build it too
    # Not compressed: nearly all of it is wheels, which are.
    partial.write_bytes(gzip.compress(plain.getvalue(), compresslevel=0, mtime=0))
    return partial.replace(path)


if __name__ == "__main__":
    TARGET.mkdir(parents=True, exist_ok=True)  # also where no use case declares a model
    for use_case in usecases.load().use_cases:
        if use_case.model is not None:
            sys.stdout.write(f"{build(use_case).relative_to(ROOT)}\n")
