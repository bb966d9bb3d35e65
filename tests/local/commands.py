"""The command line on the running platform, as a user has it."""

from __future__ import annotations

import subprocess
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
