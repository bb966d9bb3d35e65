"""The command line and the shell on the running platform, as a user has them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from sdpctl.settings import ROOT, Settings


def sdp(settings: Settings, *arguments: str, tree: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`./sdp …` of a tree, whatever its exit status."""
    return subprocess.run(
        [tree / "sdp", *arguments],
        cwd=tree,
        env=settings.aws_environment(),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def bash(script: str, *, folder: Path, environment: Mapping[str, str], seconds: float) -> str:
    """What a script prints that bash runs in a folder; each of its commands must succeed."""
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout
