"""What a job's container installs before its script: `pip install . -r requirements.txt`.

Scripts run in this machine's own environment here, so nothing is installed. But what the container
could not install fails the job as it does there: it has no package index, as a job in a private
network has none, and its own Python and platform.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from ml.wheels import PLATFORM, PYTHON
from sdpctl.errors import CommandError
from sdpctl.settings import ROOT

FILE = "requirements.txt"
UV = ROOT / ".venv" / "bootstrap" / "bin" / "uv"


class NotInstalled(CommandError):
    """The container cannot install what the source requires; the reason as SageMaker words it."""


def check(code: Path) -> None:
    """Raises NotInstalled if a requirement of the source is not in the source itself."""
    if not (code / FILE).is_file():
        return
    options = ["--dry-run", "--offline", "--no-cache", "--no-deps", "--only-binary", ":all:"]
    container = ["--python-version", PYTHON, "--python-platform", PLATFORM]
    with tempfile.TemporaryDirectory() as target:
        done = subprocess.run(
            [UV, "pip", "install", *options, *container, "--target", target, "-r", FILE],
            cwd=code,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise NotInstalled(
            f"AlgorithmError: InstallModuleError:\nExitCode 1\nErrorMessage "
            f'"{done.stderr.strip()[-600:]}"\nCommand "python3 -m pip install . -r {FILE}", '
            "exit code: 1"
        )
