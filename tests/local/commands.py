"""The command line on the running platform, as a user has it."""

from __future__ import annotations

import subprocess

from sdpctl.settings import ROOT, Settings


def sdp(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`./sdp …`, whatever its exit status."""
    return subprocess.run(
        [ROOT / "sdp", *arguments],
        cwd=ROOT,
        env=settings.aws_environment(),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
