"""The log folder stays bounded, whatever runs for how long.

The processes append to their logs, so a log may be emptied under them. Flink bounds its own log.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 20_000_000
FLINK_BYTES, FLINK_FILES = 10_000_000, 4  # of Flink's own log: the newest, and those before it
JOBS = 20  # logs of jobs that have ended

# Checkpoints are every few seconds here: the lines of each would push out all else within hours.
_LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = file
logger.checkpoints.name = org.apache.flink.runtime.checkpoint
logger.checkpoints.level = WARN
logger.sources.name = org.apache.flink.runtime.source.coordinator
logger.sources.level = WARN
appender.file.name = file
appender.file.type = RollingFile
appender.file.append = true
appender.file.fileName = {log}
appender.file.filePattern = {log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss,SSS}} %-5p %c [%t] %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = {size}
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.fileIndex = min
appender.file.strategy.max = {files}
"""


def log4j(log: Path) -> str:
    """The log configuration of a Flink process: it appends, over restarts, to a bounded log."""
    return _LOG4J.format(log=log, size=FLINK_BYTES, files=FLINK_FILES - 1)


def bound(folder: Path) -> None:
    """Empty each log below the folder that has become too large; `.1` has what it held."""
    for path in [*folder.rglob("*.log"), *folder.rglob("*.out")]:
        with suppress(OSError):
            if path.stat().st_size > MAX_BYTES:
                shutil.copyfile(path, f"{path}.1")
                with path.open("r+b") as log:
                    log.truncate()


def forget_old_jobs(folder: Path) -> None:
    """Remove the logs of all but the newest jobs."""
    found = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    for path in found[:-JOBS]:
        path.unlink(missing_ok=True)
