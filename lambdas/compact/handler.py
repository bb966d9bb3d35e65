"""The Lambda entry point: every few minutes, compacts the hours of the lake that have new files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

import usecases
from glue import Catalog, PlatformError
from glue.parameters import parse_duration
from lambdas.adapters import clock, objects, partitions
from lambdas.compact.compaction import Action, Compaction, Outcome
from lambdas.compact.lease import Leases
from lambdas.compact.merging import DuckMerger
from lambdas.compact.plan import MIB, Limits
from lambdas.compact.request import Request
from lambdas.lakestore.hours import Hour, waiting
from lambdas.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Longer than reading, sorting and writing one batch takes.
LONGEST_STEP_MS = 300_000
_LOCAL = "compact-"

logger = Logger()
metrics = Metrics()


@dataclass(frozen=True)
class Handler:
    """Compacts the pending hours until none is left or the time is nearly up."""

    compact: Compaction
    catalog: Catalog

    def __call__(self, event: Mapping[str, Any], remaining_ms: Callable[[], int]) -> dict[str, Any]:
        """The results of the hours that were not idle.

        A failed hour does not stop the others; all failures are raised together at the end.
        """

        def enough_time() -> bool:
            return remaining_ms() >= LONGEST_STEP_MS

        request = Request.parse(event)
        outcomes: list[Outcome] = []
        errors: list[PlatformError] = []
        for hour in request.hours(self.catalog, partial(waiting, self.compact.objects)):
            if not enough_time():
                logger.info("the rest is left to the next run", extra={"next": str(hour)})
                break
            try:
                outcomes.append(self.compact(hour, enough_time, dry_run=request.dry_run))
            except PlatformError as error:
                logger.exception("hour not compacted", extra={"hour": str(hour)})
                errors.append(error)
        _report(outcomes, errors)
        if errors:
            raise ExceptionGroup("hours were not compacted", errors)
        return {"hours": [_shown(o) for o in outcomes if o.action not in _QUIET]}


_QUIET = (Action.NOTHING, Action.OPEN)


@cache
def bootstrap() -> Handler:
    """The function's parts, from its environment; built at its first call."""
    settings = Settings.from_environment()
    bucket = objects.BucketObjects(objects.client(), settings.lake_bucket)
    glue = partitions.client()
    compact = Compaction(
        objects=bucket,
        partitions=partitions.GluePartitions(glue, settings.databases, settings.lake_bucket),
        merger=DuckMerger(),
        leases=Leases(bucket, clock.now),
        clock=clock.now,
        limits=limits(settings.compaction),
        folder=Path(tempfile.gettempdir()) / f"{_LOCAL}{os.getpid()}",
    )
    return Handler(compact, usecases.load(settings.use_cases))


def limits(settings: Mapping[str, str]) -> Limits:
    """The limits in the function's settings: durations in ISO 8601, file sizes in MiB."""
    return Limits(
        closed_after=_duration(settings, "closed_after", Limits.closed_after),
        grace=_duration(settings, "grace", Limits.grace),
        file_bytes=int(settings.get("file_mib", Limits.file_bytes // MIB)) * MIB,
    )


def _duration(settings: Mapping[str, str], name: str, default: timedelta) -> timedelta:
    return parse_duration(settings[name]) if name in settings else default


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point. The event may have use_case, table, date, hour and dry_run."""
    for left in _left_behind(Path(tempfile.gettempdir())):
        shutil.rmtree(left, ignore_errors=True)
    return bootstrap()(event, context.get_remaining_time_in_millis)


def _left_behind(folder: Path) -> Iterator[Path]:
    """Remove local files of ended processes: the disk is small."""
    for path in folder.glob(f"{_LOCAL}*"):
        process = path.name.removeprefix(_LOCAL)
        if process.isdigit() and not Path(f"/proc/{process}").exists():
            yield path


def _report(outcomes: list[Outcome], errors: list[PlatformError]) -> None:
    """Report the results as logs and as metrics."""
    for outcome in outcomes:
        if outcome.action not in _QUIET:
            logger.info("hour", extra=_shown(outcome))
    done = [o for o in outcomes if o.action is Action.COMPACTED]
    repeats = sum(o.merged.rows_read - o.merged.rows_written for o in done)
    counts = {
        "HoursCompacted": len(done),
        "HoursFailed": len(errors),
        "FilesMerged": sum(o.files_read for o in done),
        "FilesRemoved": sum(o.removed for o in outcomes),
        "RepeatsDropped": repeats,
    }
    for name, count in counts.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
    merged = sum(o.bytes_read for o in done)
    metrics.add_metric(name="BytesMerged", unit=MetricUnit.Bytes, value=merged)


def _shown(outcome: Outcome) -> dict[str, Any]:
    hour: Hour = outcome.hour
    date, number = hour.values
    return {
        "use_case": hour.table.use_case,
        "table": hour.table.parquet,
        "date": date,
        "hour": number,
        "action": outcome.action.value,
        "files_before": outcome.files_read,
        "files_after": len(outcome.merged.files),
        "bytes_before": outcome.bytes_read,
        "bytes_after": sum(file.size for file in outcome.merged.files),
        "rows": outcome.merged.rows_written,
        "repeats_dropped": outcome.merged.rows_read - outcome.merged.rows_written,
        "objects_removed": outcome.removed,
    }
