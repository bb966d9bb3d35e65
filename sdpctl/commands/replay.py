"""`./sdp replay`: the reports of a range, computed again from the streams that still have it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from glue import UseCase, instants
from glue.parameters import Parameters
from sdpctl import deployment
from sdpctl.backfill.comparing import Buckets, Difference, differences, emptied
from sdpctl.backfill.computing import Computed, Lake
from sdpctl.backfill.job import end as end_run
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
from sdpctl.errors import CommandError
from sdpctl.local.applications import Application
from sdpctl.local.replays import Notes, alone, interrupted
from sdpctl.options import LOCAL, options_of
from sdpctl.replay.computing import NoRecordsError, Source, first_arrival
from sdpctl.replay.work import Work
from sdpctl.settings import Settings

NAME = "replay"


def replay(
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", help="The first bucket: a day (UTC) or an instant, RFC 3339.", metavar="TIME"
        ),
    ] = None,
    to: Annotated[str | None, typer.Option(help="The end, exclusive.", metavar="TIME")] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show what would change, with the new and the old values, and store nothing; "
            "exits with 1 if something would.",
        ),
    ] = False,
    drop: Annotated[
        bool,
        typer.Option(
            "--drop",
            help="Instead: drop an interrupted replay; what it has stored is as it was before.",
        ),
    ] = False,
    use_case: deployment.UseCaseName = None,
    region: deployment.Region = None,
) -> None:
    """Compute reports of a range again, from the retained streams, with the deployed application.

    Runs on this machine, beside the live job, whichever deployment it reads. Readers see the old
    values until all new ones are computed; what differs is then replaced, in a higher generation.
    The range must be final. Nothing but reports changes: no action is sent again. Where balances or
    profiles are remembered, the whole stream is read. After an interruption run the same command
    again, or --drop; ./sdp status shows what runs and what was interrupted.
    """
    span = _span(from_, to, drop=drop, dry_run=dry_run)
    signal.signal(signal.SIGTERM, recomputing.end)  # otherwise the job would keep running
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    settings = Settings.load()
    with alone(settings.home / NAME) as notes, deployment.errors():
        parts = _Parts.of(settings, use_case, region, notes)
        if span is None:
            _drop(console, parts)
            return
        differing = _run(console, parts, parts.plan(span), dry_run=dry_run)
    if differing and dry_run:
        raise typer.Exit(1)


def _span(from_: str | None, to: str | None, *, drop: bool, dry_run: bool) -> Span | None:
    """The range; None to drop one."""
    if drop:
        if from_ or to or dry_run:
            raise CommandError("--drop: takes no --from, --to or --dry-run")
        return None
    if from_ is None or to is None:
        missing = "--from" if from_ is None else "--to"
        raise CommandError(f"{missing}: missing; a replay needs --from and --to, or --drop")
    return Span(parse_bound("--from", from_), parse_bound("--to", to))


@contextmanager
def _resumable(console: Console, work: Work) -> Iterator[None]:
    """Says how to go on after whatever ends the replay, unless there are no records."""
    try:
        yield
    except NoRecordsError:
        work.finish(stored=False)
        raise
    except (KeyboardInterrupt, SystemExit, CommandError):
        console.print(
            "interrupted: run the same command again to go on, or take it back: ./sdp replay "
            f"{work.options} --drop"
        )
        raise


def _run(console: Console, parts: _Parts, made: Plan, *, dry_run: bool) -> list[Difference]:
    parts.require_final(made.buckets)
    parts.source.require_retained(made, parts.live.created())
    work = parts.work
    end = work.end(made)
    if end is None:
        end = parts.source.end(made)
    else:
        console.print("an interrupted replay of this range goes on")
    parts.end_run()
    work.begin(made, end)
    parts.notes.begin(parts.use_case.name, work.place, str(made.buckets))
    _print_plan(console, made, end)
    with _resumable(console, work), deployment.errors():
        return _replace(console, parts, made, end, dry_run=dry_run)


def _replace(
    console: Console, parts: _Parts, made: Plan, end: datetime, *, dry_run: bool
) -> list[Difference]:
    work = parts.work
    computed = parts.compute(console, made, end)
    recomputing.print_run(console, computed)
    held = parts.live.buckets(made.buckets)
    differing = list(differences(computed.buckets, held))
    changed = _changed(parts.use_case, computed.buckets, differing)
    same = len({key for key, bucket in held.items() if bucket.version} - changed.keys())
    recomputing.show(
        differing, "new", "old", f"{same:,} buckets are equal, {len(changed):,} differ"
    )
    if not dry_run and changed:
        generation = _highest(held) + 1
        former = {key: held.get(key, emptied(parts.use_case, key)) for key in changed}
        work.keep_former(former, generation)
        parts.store(console, changed, generation, made.buckets)
    work.finish(stored=not dry_run)
    return differing


def _changed(use_case: UseCase, computed: Buckets, differing: list[Difference]) -> Buckets:
    """The new buckets of what differs; a bucket without records in the streams is emptied."""
    keys = dict.fromkeys(difference.key for difference in differing)
    return {key: computed.get(key, emptied(use_case, key)) for key in keys}


def _highest(held: Buckets) -> int:
    return max((bucket.generation for bucket in held.values()), default=0)


def _drop(console: Console, parts: _Parts) -> None:
    work = parts.work
    span, (former, used) = work.range(), work.former()
    if span is None:
        work.remove()
        others = "".join(
            f"; to drop that of {start} to {end}: ./sdp replay {options_of(place, name)} --drop"
            for place, name, start, end in interrupted(work.folder.parents[1])
        )
        console.print(f"{parts.use_case.name} has no interrupted replay{others}")
        return
    parts.notes.begin(parts.use_case.name, work.place, str(span))
    parts.end_run()
    if former:  # above all that the replay has written, whether it is stored already or not
        generation = max(used, _highest(parts.live.buckets(span))) + 1
        parts.store(console, former, generation, span)
    work.remove()
    console.print(f"dropped    the replay of {span}")


@dataclass(frozen=True)
class _Parts:
    """The parts of a deployment that a replay needs."""

    settings: Settings
    use_case: UseCase
    application: Application
    source: Source
    live: Live
    s3: Any
    work: Work
    notes: Notes

    @classmethod
    def of(cls, settings: Settings, name: str | None, region: str | None, notes: Notes) -> _Parts:
        topology = deployment.topology(region)
        use_case = recomputing.use_case_of(topology, name)

        def client(service: str) -> Any:
            return deployment.client(service, region)

        s3, kinesis = client("s3"), client("kinesis")
        application = recomputing.application_of(topology, use_case, region)
        lake = Lake(topology.database(use_case.name), use_case, client("glue"), s3)
        parameters = recomputing.parameters(application, use_case)
        return cls(
            settings,
            use_case,
            application,
            Source(topology, use_case, kinesis, lake, parameters),
            Live(topology, use_case, client("dynamodb"), kinesis),
            s3,
            Work(settings.home / NAME / (region or LOCAL) / use_case.name),
            notes,
        )

    @property
    def parameters(self) -> Parameters:
        """The parameters that the live job runs with."""
        return self.source.parameters

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

    def end_run(self) -> None:
        """End the job that a killed command has left running."""
        end_run(self.settings, NAME)

    def compute(self, console: Console, made: Plan, end: datetime) -> Computed:
        """The buckets of the plan, computed by the deployed code."""
        with recomputing.bars(console, self.notes.step) as progress:
            run = recomputing.run_of(
                self.s3,
                self.application,
                self.use_case,
                settings=self.settings,
                folder=self.work.run,
                name=NAME,
            )
            return self.source.compute(made, end, self.work.shards, run, progress)

    def store(self, console: Console, buckets: Buckets, generation: int, span: Span) -> None:
        """Write buckets in that generation, and wait until they are stored."""
        recomputing.store(self.live, buckets, generation, span, console, self.notes.step)


def _print_plan(console: Console, made: Plan, end: datetime) -> None:
    console.print(f"buckets    {made.buckets}")
    console.print(f"records    {made.depends_on}")
    since = "" if made.remembers else f"from {instants.to_wire(first_arrival(made))} "
    console.print(f"streams    what arrived {since}until {instants.to_wire(end)}")
