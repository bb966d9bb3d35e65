"""Downloads the libraries that jobs bring along, as wheels for their container: `build/wheels`.

The container has neither these libraries nor, in a private network, a package index. pip installs
them from the job's own source. They are pinned, with hashes, in requirements/jobs.txt:

    uv pip compile requirements/jobs.in -o requirements/jobs.txt --generate-hashes \\
        --no-emit-index-url --no-header --python-version 3.10 \\
        --python-platform x86_64-manylinux_2_28 --no-emit-package numpy
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from glue import PlatformError

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "wheels"
REQUIREMENTS = ROOT / "requirements" / "jobs.txt"
INSTALLER = ROOT / ".venv" / "bootstrap" / "bin" / "python"  # the Makefile makes it
PYTHON, PLATFORM = "3.10", "x86_64-manylinux_2_28"
# Each that the container's glibc can load; pip takes a platform by its name alone.
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014", "linux")
ABIS = ("cp310", "abi3", "none")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


class DownloadError(PlatformError):
    """pip could not download the wheels."""


def versions() -> dict[str, str]:
    """The pinned version of each library."""
    return dict(_PIN.findall(REQUIREMENTS.read_text()))


def files() -> list[Path]:
    """The wheels, in order of name; downloaded if they are missing or others are pinned now.

    Raises DownloadError.
    """
    stamp, fingerprint = FOLDER.with_suffix(".stamp"), _fingerprint()
    if not (FOLDER.is_dir() and stamp.is_file() and stamp.read_text() == fingerprint):
        shutil.rmtree(FOLDER, ignore_errors=True)
        _download()
        stamp.write_text(fingerprint)
    return sorted(FOLDER.glob("*.whl"))


def _fingerprint() -> str:
    content = REQUIREMENTS.read_bytes() + Path(__file__).read_bytes()
    return hashlib.sha256(content).hexdigest()


def _download() -> None:
    if not INSTALLER.is_file():
        missing = INSTALLER.relative_to(ROOT)
        raise DownloadError(f"{missing} is missing; run 'make env' to install it")
    options = ["--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS)]
    options += ["--python-version", PYTHON, "--implementation", "cp"]
    options += [part for abi in ABIS for part in ("--abi", abi)]
    options += [part for name in PLATFORMS for part in ("--platform", f"{name}_x86_64")]
    pip = [str(INSTALLER), "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, *options, "--dest", str(FOLDER)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = done.stderr.strip()[-1_000:]
        raise DownloadError(f"{REQUIREMENTS.relative_to(ROOT)}: pip download failed: {reason}")
