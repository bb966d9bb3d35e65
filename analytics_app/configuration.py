"""The job's own settings, and which keys code may set at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from glue.parameters import Parameters

# What Managed Flink takes from code from 2.2 on; any other key ends the application at its start.
ALLOWED = (
    "pipeline.*",
    "python.execution-mode",
    "table.exec.async-*",
    "table.exec.mini-batch.*",
    "table.exec.sink.*",
    "table.exec.source.idle-timeout",
    "table.exec.state.ttl",
    "table.local-time-zone",
    "table.optimizer.*",
)

# State of aggregates must outlive every record that can still be counted in it: those of a stream
# read again from its oldest record (kept 7 days at most), plus window and lateness, and as long as
# an answer waits, whose outcome the ledger counts. Four times that bounds the state and leaves time
# to read it.
KEPT = timedelta(days=28)

# What waits for event time waits for the next watermark as well. Each goes to every subtask of the
# next operator, so with more than FEW subtasks they are as much rarer: as many leave each of them.
WATERMARK_MS, FEW = 5, 4


def configuration(
    parameters: Mapping[str, Parameters], parallelism: int = 1, *, bounded: bool = False
) -> dict[str, str]:
    """What the job of these use cases sets; `bounded`: of one whose input ends."""
    interval = WATERMARK_MS * max(FEW, parallelism) // FEW
    ttl = KEPT + max(own.settling + own.waiting() for own in parameters.values())
    return {
        "pipeline.name": "analytics",
        "pipeline.object-reuse": "true",
        # 0: one after each record that moves event time, whatever the clock says, so that each run
        # decides the same.
        "pipeline.auto-watermark-interval": "0 ms" if bounded else f"{interval} ms",
        "table.local-time-zone": "UTC",
        "table.exec.state.ttl": f"{int(ttl.total_seconds())} s",
    }


def jars(configured: str, jar: Path) -> dict[str, str]:
    """The application's jar, unless the runtime already has it (`jarfile`)."""
    if jar.name in configured or not jar.exists():
        return {}
    return {"pipeline.jars": jar.as_uri()}


def is_allowed(key: str) -> bool:
    """Whether code may set a key."""
    return any(fnmatchcase(key, pattern) for pattern in ALLOWED)
