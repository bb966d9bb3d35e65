"""Runs of compaction over the emulator, each in a process that a test may kill.

The processes are forked from one that has everything imported. Leases are short and the time is
set by the tests, so that the next run need not wait for a killed one's lease to expire.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from lambdas.adapters import objects, partitions
from lambdas.compact.compaction import Compaction
from lambdas.compact.lease import MARGIN, Leases
from lambdas.compact.merging import DuckMerger
from lambdas.compact.plan import Limits
from lambdas.lakestore.hours import waiting
from sdpctl.settings import Settings
from tests.unit.lambdas.compact.memory import TABLE

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])
LIMITS = Limits(grace=timedelta(minutes=1), batch_bytes=12_000)


def run(
    settings: Settings, bucket: str, database: str, now: datetime, kill_after: float | None = None
) -> str | None:
    """What became of the hour; None if the process was killed before its end."""
    there, here = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_run, args=(settings, bucket, database, now, here))
    process.start()
    process.join(kill_after)
    if process.is_alive():
        process.kill()
        process.join()
    here.close()
    if process.exitcode == -signal.SIGKILL:
        return None
    assert process.exitcode == 0
    return str(there.recv())


def _run(settings: Settings, bucket: str, database: str, now: datetime, answer: Connection) -> None:
    """Compact every hour that waits, once."""
    os.environ.update(settings.aws_environment())
    store = objects.BucketObjects(objects.client(), bucket)
    databases = {TABLE.use_case: database}
    with tempfile.TemporaryDirectory() as folder:
        compact = Compaction(
            objects=store,
            partitions=partitions.GluePartitions(partitions.client(), databases, bucket),
            merger=DuckMerger(),
            leases=Leases(store, lambda: now, MARGIN + timedelta(seconds=1)),
            clock=lambda: now,
            limits=LIMITS,
            folder=Path(folder) / "local",
        )
        answer.send(" ".join(compact(hour).action for hour in list(waiting(store, TABLE))))
