"""`./sdp backfill`: the reports of a range of the past, computed again from the lake."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from glue import UseCase, instants
from glue.instants import from_millis
from glue.parameters import Parameters
from infra.topology import Topology
from sdpctl import deployment
from sdpctl.backfill.comparing import Buckets, Difference, differences
from sdpctl.backfill.computing import (
    Computed,
    Lake,
    Progress,
    Selection,
    compute,
    count_records,
)
from sdpctl.backfill.job import GROUP, Run
from sdpctl.backfill.live import Live
from sdpctl.backfill.plan import Plan, Span, parse_bound, plan, require_final
from sdpctl.clock import pause
from sdpctl.errors import CommandError
from sdpctl.local.applications import Application, fetch, parse
from sdpctl.settings import Settings
from sdpctl.sql.athena import Athena
from sdpctl.sql.rows import cell, size

SHOWN = 50  # differences in the table
STORED_SECONDS = 300


def backfill(
    from_: Annotated[
        str, typer.Option("--from", help="The first bucket: a day (UTC) or an instant, RFC 3339.")
    ],
    to: Annotated[str, typer.Option(help="The end, exclusive.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be read and written.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Show where lake and live reports differ; exits with 1 if they do."
        ),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="With --compare: also store the result.")
    ] = False,
    use_case: deployment.UseCaseName = None,
    region: deployment.Region = None,
) -> None:
    """Compute reports from the lake with the deployed application, and store them.

    Runs on this machine, whichever deployment it reads. The result gets a higher generation than
    the live reports, so the range must be final. Running it again gives the same result.
    """
    span = Span(parse_bound("--from", from_), parse_bound("--to", to))
    signal.signal(signal.SIGTERM, _end)  # otherwise the job would keep running
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with deployment.errors():
        parts = _Parts.of(use_case, region)
        made = plan(span, parts.parameters)
        if dry_run:
            _dry_run(console, parts, made)
            return
        differing = _run(console, parts, made, compare=compare, write=write or not compare)
    if differing:
        raise typer.Exit(1)


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _dry_run(console: Console, parts: _Parts, made: Plan) -> None:
    _print_plan(console, made, parts.lake.select(made), parts.live.buckets(made.buckets))
    console.print(f"           {parts.records(made):,} records")
    require_final(made.buckets, parts.live.complete_through(parts.parameters))


def _run(
    console: Console, parts: _Parts, made: Plan, *, compare: bool, write: bool
) -> list[Difference]:
    require_final(made.buckets, parts.live.complete_through(parts.parameters))
    chosen, live = parts.lake.select(made), parts.live.buckets(made.buckets)
    _print_plan(console, made, chosen, live)
    with _folder(parts.settings) as folder, _bars(console) as progress:
        computed = parts.compute(made, chosen, folder, progress)
    _print_run(console, computed)
    differing = list(differences(computed.buckets, live)) if compare else []
    if compare:
        _show(differing)
    if write:
        _store(parts.live, computed.buckets, live, made.buckets, console)
    return differing


@dataclass(frozen=True)
class _Parts:
    """The parts of a deployment that a backfill needs."""

    settings: Settings
    use_case: UseCase
    application: Application
    lake: Lake
    live: Live
    athena: Athena
    s3: Any

    @classmethod
    def of(cls, name: str | None, region: str | None) -> _Parts:
        topology = deployment.topology(region)
        use_case = deployment.use_case(topology, name)

        def client(service: str) -> Any:
            return deployment.client(service, region)

        s3 = client("s3")
        return cls(
            Settings.load(),
            use_case,
            _application(client("kinesisanalyticsv2"), topology, use_case),
            Lake(topology.database(use_case.name), use_case, client("glue"), s3),
            Live(topology, use_case, client("dynamodb"), client("kinesis")),
            Athena.of(topology, use_case.name, region),
            s3,
        )

    @property
    def parameters(self) -> Parameters:
        """The parameters that the live job runs with."""
        return _parameters(self.application, self.use_case)

    def records(self, made: Plan) -> int:
        """The number of the plan's records in Athena, including duplicates and late ones."""
        finished = self.athena.run(count_records(self.use_case, made))
        _, [[count]] = next(self.athena.pages(finished))
        return int(count)

    def compute(self, made: Plan, chosen: Selection, folder: Path, progress: Progress) -> Computed:
        """The buckets of the plan, computed by the deployed code."""
        fetch(self.s3, self.application, folder / "code")
        run = Run(
            self.settings,
            folder,
            self.use_case.name,
            _groups(self.application, self.use_case),
            tuple(dict.fromkeys(report.stream for report in self.use_case.reports)),
            self.application.parallelism,
        )
        return compute(self.lake, made, chosen, run, progress)


def _application(flink: Any, topology: Topology, use_case: UseCase) -> Application:
    answer = flink.describe_application(ApplicationName=topology.application(use_case.name))
    return parse(answer["ApplicationDetail"])


def parameters_of(topology: Topology, use_case: UseCase, region: str | None) -> Parameters:
    """The parameters that the live job runs a use case with."""
    flink = deployment.client("kinesisanalyticsv2", region)
    return _parameters(_application(flink, topology, use_case), use_case)


def _parameters(application: Application, use_case: UseCase) -> Parameters:
    return use_case.configured(_groups(application, use_case))


def _groups(application: Application, use_case: UseCase) -> dict[str, str]:
    """The properties of one use case, which may share the application with others."""
    return {**application.group(GROUP), **application.group(f"{GROUP}.{use_case.name}")}


def _print_plan(console: Console, made: Plan, chosen: Selection, live: Buckets) -> None:
    console.print(f"buckets    {made.buckets}; {len(live):,} are live")
    console.print(f"records    with event times {made.events}")
    console.print(
        f"lake       {len(chosen.records):,} objects, {size(chosen.bytes)}, "
        f"delivered {made.arrivals}"
    )


def _print_run(console: Console, computed: Computed) -> None:
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


def _show(differing: list[Difference]) -> None:
    console = Console(highlight=False)
    if differing:
        table = Table("report", "key", "bucket", "measure", "lake", "live")
        for (path, key, period), measure, lake, live in differing[:SHOWN]:
            at = instants.to_wire(from_millis(period * 1000))
            table.add_row(path, cell(key), at, measure, _number(lake), _number(live))
        console.print(table)
    more = f", of which {SHOWN} are shown" if len(differing) > SHOWN else ""
    console.print(f"{len(differing):,} differences{more}")


def _store(live: Live, computed: Buckets, held: Buckets, span: Span, console: Console) -> None:
    generation = 1 + max((bucket.generation for bucket in held.values()), default=0)
    with _bars(console) as progress:
        done = 0

        def written(count: int) -> None:
            nonlocal done
            done += count
            progress("writing", done, len(computed))

        live.write(computed, generation, written)
        _await_stored(live, computed, span, generation, progress)
    if left := len(held.keys() - computed.keys()):
        console.print(f"unchanged: {left:,} live buckets without records in the lake")
    console.print(f"stored     {len(computed):,} buckets in generation {generation}")


def _await_stored(
    live: Live, computed: Buckets, span: Span, generation: int, progress: Progress
) -> None:
    deadline = time.monotonic() + STORED_SECONDS
    while time.monotonic() < deadline:
        stored = sum(
            1
            for key, bucket in live.buckets(span).items()
            if key in computed and bucket.generation >= generation
        )
        progress("storing", stored, len(computed))
        if stored == len(computed):
            return
        pause(1)
    raise CommandError(
        f"after {STORED_SECONDS} s {stored:,} of {len(computed):,} buckets are stored; the others "
        "are still in their streams: see the log of persist and the dead letters"
    )


@contextmanager
def _folder(settings: Settings) -> Iterator[Path]:
    """A folder for the run, large enough for the records of the range; removed at the end."""
    home = settings.home / "backfill"
    home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(step: str, done: int, total: int | None = None) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield progress


def _number(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    return "none" if value is None else str(value)
