"""`./sdp` whose replays also keep what they decided: `python -m tests.local.keeping replay …`.

A replay leaves nothing but reports; to see that the same versions decide, its decisions must be
seen. SDP_KEPT names the file that gets them, NDJSON of stream and row.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from sdpctl import cli
from sdpctl.backfill.job import Run
from sdpctl.commands import recomputing

STREAMS = ("business-events", "decisions", "actions")


class Keeping(Run):
    """A run that copies its rows before its folder is removed."""

    def finish(self, progress: Callable[[int], None]) -> float:
        """The seconds of the run."""
        seconds = super().finish(progress)
        rows = ([stream, row] for stream in STREAMS for row in self.results(stream))
        Path(os.environ["SDP_KEPT"]).write_text("".join(json.dumps(row) + "\n" for row in rows))
        return seconds


def _keeping(run_of: Callable[..., Run]) -> Callable[..., Run]:
    def made(*arguments: Any, **named: Any) -> Run:
        run = run_of(*arguments, **named)
        values = {field.name: getattr(run, field.name) for field in fields(run)}
        return Keeping(**values | {"kept": (*run.kept, *STREAMS)})

    return made


if __name__ == "__main__":
    recomputing.run_of = _keeping(recomputing.run_of)
    cli.main()
