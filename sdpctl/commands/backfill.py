"""`./sdp backfill`: the reports of a range of the past, computed again from the lake."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from glue import UseCase, instants
from glue.parameters import Parameters
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
from sdpctl.backfill.live import Live
from sdpctl.backfill.plan import (
    Plan,
    Span,
    computable_through,
    parse_bound,
    plan,
    require_final,
)
from sdpctl.commands import recomputing
from sdpctl.local.applications import Application
from sdpctl.settings import Settings
from sdpctl.sql.athena import Athena
from sdpctl.sql.rows import size


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
    signal.signal(signal.SIGTERM, recomputing.end)  # otherwise the job would keep running
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with deployment.errors():
        parts = _Parts.of(use_case, region)
        made = parts.plan(span)
        if dry_run:
            _dry_run(console, parts, made)
            return
        differing = _run(console, parts, made, compare=compare, write=write or not compare)
    if differing:
        raise typer.Exit(1)


def _dry_run(console: Console, parts: _Parts, made: Plan) -> None:
    _print_plan(console, made, parts.lake.select(made), parts.live.buckets(made.buckets))
    console.print(f"           {parts.records(made):,} records")
    parts.require_final(made.buckets)


def _run(
    console: Console, parts: _Parts, made: Plan, *, compare: bool, write: bool
) -> list[Difference]:
    parts.require_final(made.buckets)
    chosen, live = parts.lake.select(made), parts.live.buckets(made.buckets)
    _print_plan(console, made, chosen, live)
    with _folder(parts.settings) as folder, recomputing.bars(console) as progress:
        computed = parts.compute(made, chosen, folder, progress)
    recomputing.print_run(console, computed)
    differing = list(differences(computed.buckets, live)) if compare else []
    if compare:
        recomputing.show(differing, "lake", "live", f"{len(differing):,} differences")
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
        use_case = recomputing.use_case_of(topology, name)

        def client(service: str) -> Any:
            return deployment.client(service, region)

        s3 = client("s3")
        return cls(
            Settings.load(),
            use_case,
            recomputing.application_of(topology, use_case, region),
            Lake(topology.database(use_case.name), use_case, client("glue"), s3),
            Live(topology, use_case, client("dynamodb"), client("kinesis")),
            Athena.of(topology, use_case.name, region),
            s3,
        )

    @property
    def parameters(self) -> Parameters:
        """The parameters that the live job runs with."""
        return recomputing.parameters(self.application, self.use_case)

    def plan(self, buckets: Span) -> Plan:
        """What a range depends on."""
        own = self.parameters
        reach = self.live.reach(own, buckets.end)
        return plan(buckets, own, reach=reach, remembers=self.use_case.remembers)

    def require_final(self, buckets: Span) -> None:
        """Raise CommandError if live counts of the range can still change."""
        own = self.parameters
        reach = self.live.reach(own, buckets.end)
        through = computable_through(self.live.complete_through(own), reach)
        require_final(buckets, through, own.aggregation_period)

    def records(self, made: Plan) -> int:
        """The number of the plan's records in Athena, including duplicates and late ones."""
        finished = self.athena.run(count_records(self.use_case, made))
        _, [[count]] = next(self.athena.pages(finished))
        return int(count)

    def compute(self, made: Plan, chosen: Selection, folder: Path, progress: Progress) -> Computed:
        """The buckets of the plan, computed by the deployed code."""
        run = recomputing.run_of(
            self.s3,
            self.application,
            self.use_case,
            settings=self.settings,
            folder=folder,
            name="backfill",
        )
        return compute(self.lake, made, chosen, run, progress)


def _print_plan(console: Console, made: Plan, chosen: Selection, live: Buckets) -> None:
    console.print(f"buckets    {made.buckets}; {len(live):,} are live")
    console.print(f"records    {made.depends_on}")
    before = f"before {instants.to_wire(made.arrivals.end)}"
    console.print(
        f"lake       {len(chosen.records):,} objects, {size(chosen.bytes)}, "
        f"delivered {before if made.remembers else made.arrivals}"
    )


def _store(live: Live, computed: Buckets, held: Buckets, span: Span, console: Console) -> None:
    if left := len(held.keys() - computed.keys()):
        console.print(f"unchanged: {left:,} live buckets without records in the lake")
    generation = 1 + max((bucket.generation for bucket in held.values()), default=0)
    recomputing.store(live, computed, generation, span, console)


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
