"""What `./sdp backfill` and `./sdp replay` share: the deployed code, its run, what they show."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from glue import UseCase, instants
from glue.instants import from_millis
from glue.parameters import Parameters
from infra.topology import Topology
from sdpctl import deployment
from sdpctl.backfill.comparing import Buckets, Difference
from sdpctl.backfill.computing import Computed, Progress
from sdpctl.backfill.job import GROUP, Run
from sdpctl.backfill.live import Live
from sdpctl.backfill.plan import Span
from sdpctl.clock import pause
from sdpctl.errors import CommandError
from sdpctl.local.applications import Application, fetch, parse
from sdpctl.settings import Settings
from sdpctl.sql.rows import cell

SHOWN = 50  # differences in the table
WIDE = 160  # columns of the table in a pipe
STORED_SECONDS = 300


def end(number: int, _: FrameType | None) -> None:
    """Handles SIGTERM, so that the job does not go on without the command."""
    raise SystemExit(128 + number)


def use_case_of(topology: Topology, name: str | None) -> UseCase:
    """The use case of that name, by default the first. Raises CommandError if it has no reports."""
    found = deployment.use_case(topology, name)
    if found.reports:
        return found
    others = [u.name for u in topology.catalog.use_cases if u.reports]
    raise CommandError(
        f"--use-case {found.name}: it has no reports, so there is nothing to compute again; use "
        f"cases with reports: {', '.join(others) or 'none'}"
    )


def application_of(topology: Topology, use_case: UseCase, region: str | None) -> Application:
    """The deployed application that runs a use case."""
    flink = deployment.client("kinesisanalyticsv2", region)
    answer = flink.describe_application(ApplicationName=topology.application(use_case.name))
    return parse(answer["ApplicationDetail"])


def parameters_of(topology: Topology, use_case: UseCase, region: str | None) -> Parameters:
    """The parameters that the live job runs a use case with."""
    return parameters(application_of(topology, use_case, region), use_case)


def parameters(application: Application, use_case: UseCase) -> Parameters:
    """The parameters that an application runs a use case with."""
    return use_case.configured(_groups(application, use_case))


def _groups(application: Application, use_case: UseCase) -> dict[str, str]:
    """The properties of one use case, which may share the application with others."""
    return {**application.group(GROUP), **application.group(f"{GROUP}.{use_case.name}")}


def run_of(
    s3: Any,
    application: Application,
    use_case: UseCase,
    *,
    settings: Settings,
    folder: Path,
    name: str,
) -> Run:
    """A run of the deployed code, which is unpacked into the folder; `name` is the process's."""
    fetch(s3, application, folder / "code")
    return Run(
        settings,
        folder,
        use_case.name,
        _groups(application, use_case),
        tuple(dict.fromkeys(report.stream for report in use_case.reports)),
        name,
    )


def print_run(console: Console, computed: Computed) -> None:
    """What was read, what was left out of it, and how fast the rest was computed."""
    counted, rate = computed.counted, computed.counted.rate
    console.print(
        f"read       {counted.records:,} records of {counted.bytes:,} bytes; left out: "
        f"{counted.late:,} late, {counted.malformed:,} malformed, "
        f"{counted.elsewhere:,} of other times"
    )
    came = "" if rate is None else f"; they arrived at {rate:,.0f} events/s"
    console.print(
        f"computed   {len(computed.buckets):,} buckets in {computed.seconds:.1f} s of running: "
        f"{counted.records / computed.seconds:,.0f} events/s{came}"
    )
    if counted.unplaced:
        console.print(
            f"warning    {counted.unplaced:,} late records may have changed what followed (as a "
            "late debit changes a balance), and their dead letters do not say when they came"
        )


def show(differing: list[Difference], ours: str, theirs: str, summary: str) -> None:
    """Print the differences and a summary; `ours` and `theirs` are the headings of the values."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    if differing:
        table = Table("report", "key", "bucket", "measure", ours, theirs)
        for column in table.columns:
            column.overflow = "fold"
        for (path, key, period), measure, one, other in differing[:SHOWN]:
            at = instants.to_wire(from_millis(period * 1000))
            table.add_row(path, cell(key), at, measure, _number(one), _number(other))
        console.print(table)
    more = f"; {SHOWN} of the {len(differing):,} values are shown" if len(differing) > SHOWN else ""
    console.print(f"{summary}{more}")


def store(
    live: Live,
    buckets: Buckets,
    generation: int,
    span: Span,
    console: Console,
    note: Progress | None = None,
) -> None:
    """Write the buckets in that generation, and wait until they are stored.

    `note` is called with the progress too. Raises CommandError if they are not after five minutes.
    """
    with bars(console, note) as progress:
        done = 0

        def written(count: int) -> None:
            nonlocal done
            done += count
            progress("writing", done, len(buckets))

        live.write(buckets, generation, written)
        _await_stored(live, buckets, span, generation, progress)
    console.print(f"stored     {len(buckets):,} buckets in generation {generation}")


def _await_stored(
    live: Live, buckets: Buckets, span: Span, generation: int, progress: Progress
) -> None:
    deadline = time.monotonic() + STORED_SECONDS
    while time.monotonic() < deadline:
        stored = sum(
            1
            for key, bucket in live.buckets(span).items()
            if key in buckets and bucket.generation >= generation
        )
        progress("storing", stored, len(buckets))
        if stored == len(buckets):
            return
        pause(1)
    raise CommandError(
        f"after {STORED_SECONDS} s {stored:,} of {len(buckets):,} buckets are stored; the others "
        "are still in their streams: see the log of persist and the dead letters"
    )


@contextmanager
def bars(console: Console, note: Progress | None = None) -> Iterator[Progress]:
    """Shows the progress of the steps, each in a line of its own, until it ends.

    `note` is called with it too.
    """
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True) as shown:
        tasks: dict[str, TaskID] = {}

        def progress(step: str, done: int, total: int | None = None) -> None:
            if step not in tasks:
                tasks[step] = shown.add_task(step, total=total)
            shown.update(tasks[step], completed=done, total=total)
            if note:
                note(step, done, total)

        yield progress


def _number(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    return "none" if value is None else str(value)
