"""Runs the job of the version whose root is on PYTHONPATH, as that version has written it.

`launch.py platform|ancestor INPUT WORK PORT INTERVAL`: INTERVAL is the time between checkpoints.
What the versions must share is small: `bench.stream.job` with `runtime(work, port)` and
`run(topology, source, work, port)`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.stream import job


def main(topology: str, source: str, folder: str, rest_port: str, interval: str) -> None:
    """Run it with that interval, all else as it is."""
    usual = job.runtime

    def runtime(work: Path, port: str) -> dict[str, str]:
        return {**usual(work, port), "execution.checkpointing.interval": interval}

    job.runtime = runtime
    job.run(topology, Path(source), Path(folder), rest_port)


if __name__ == "__main__":
    main(*sys.argv[1:])
