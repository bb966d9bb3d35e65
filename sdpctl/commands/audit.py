"""`./sdp audit`: whether every event that was accepted has exactly one outcome; which have none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import orjson
import typer
from rich.table import Table

from glue import UseCase
from glue.targets import dynamodb
from infra.topology import Topology
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.balance import Limits, Minute, minutes
from lambdas.missing import Lookup, MissingRecord, MissingRecords
from sdpctl import deployment, ranges
from sdpctl.answers import console
from sdpctl.commands.recomputing import parameters_of
from sdpctl.errors import CommandError
from sdpctl.sql.athena import Athena
from sdpctl.sql.rows import cell

DEFAULT = timedelta(hours=24)
ADD = "create the view `decided` in a pipeline file: docs/ledger.md"
SHOWN = ("counted", "duplicate", "late", "unmatched", "malformed", "filtered")
LOOKED_UP = 10
"""Minutes of a use case whose missing records are looked up: each takes some queries of Athena."""
TITLES = ("type", "event_id", "key", "occurred at", "received at", "state", "last seen")


@dataclass(frozen=True)
class Audited:
    """The minutes of a use case, and the missing records of those that were looked up."""

    minutes: Sequence[Minute]
    missing: Mapping[datetime, MissingRecords]

    @property
    def skipped(self) -> int:
        """The minutes with missing records that were not looked up."""
        return sum(bool(minute.missing) for minute in self.minutes) - len(self.missing)


def audit(
    use_case: deployment.AnyUseCase = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="From this time of receipt. [default: 24 h ago]")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Before this time. [default: now]")] = None,
    records: Annotated[
        int, typer.Option(min=0, max=500, help="Missing records to list of a minute; 0: none.")
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One object per minute.")] = False,
    region: deployment.Region = None,
) -> None:
    """Show what was accepted in each minute and what became of it; exits 1 if one is wrong.

    A minute balances when ok ≤ outcomes + open ≤ ok + unknown. Open records are not read yet, or
    wait for others; when event time has passed the minute, they are missing. Which records are
    missing is looked up in the lake, for the ten newest minutes of a use case that miss some.
    """
    span = ranges.span(from_, to, DEFAULT)
    topology = deployment.topology(region)
    found = [
        _audit(topology, selected, span, region, records)
        for selected in _audited(topology, use_case)
    ]
    if as_json:
        for audited in found:
            _print(audited)
    else:
        _show([minute for audited in found for minute in audited.minutes])
        for audited in found:
            _show_missing(audited)
    if any(not minute.balances for audited in found for minute in audited.minutes):
        raise typer.Exit(1)


def _audited(topology: Topology, name: str | None) -> list[UseCase]:
    """Those with a ledger; names the others. Raises CommandError if none has one."""
    chosen = deployment.use_cases(topology, name)
    audited = [u for u in chosen if u.is_audited]
    if unaudited := ", ".join(u.name for u in chosen if not u.is_audited):
        text = f"{unaudited}: no ledger: what became of the events is not counted; {ADD}"
        if not audited:
            raise CommandError(text)
        typer.echo(text, err=True)
    return audited


def _audit(
    topology: Topology,
    use_case: UseCase,
    span: tuple[datetime, datetime],
    region: str | None,
    records: int,
) -> Audited:
    client = deployment.client("dynamodb", region)
    limits = Limits.of(parameters_of(topology, use_case, region))
    with deployment.errors():
        # the watermark first: what it has passed is in the ledger when that is read
        item = DynamoStore(client).get(topology.progress_table, {"use_case": {"S": use_case.name}})
        watermark = dynamodb.watermark(item)
        ledger = DynamoReceipts(topology.ledger_table, client)
        found = [*minutes(ledger, use_case.name, span, watermark, limits)]
    wrong = [minute for minute in found if minute.missing][-LOOKED_UP:]
    if not (wrong and records):
        return Audited(found, {})
    rows = Athena.of(topology, use_case.name, region).rows
    lookup = Lookup(use_case, limits, watermark, rows, records)
    return Audited(found, {minute.minute: _looked_up(lookup, minute) for minute in wrong})


def _looked_up(lookup: Callable[[Minute], MissingRecords], minute: Minute) -> MissingRecords:
    """What is known; without a lake that answers, the reason."""
    try:
        return lookup(minute)
    except CommandError as error:
        note = f"The records cannot be named, because the lake cannot be read: {error}"
        return MissingRecords(notes=(note,))


def _print(audited: Audited) -> None:
    for minute in audited.minutes:
        missing = audited.missing.get(minute.minute)
        known = {"missing_records": missing and missing.as_dict()}
        typer.echo(orjson.dumps(minute.as_dict() | known))


def _show(found: Sequence[Minute]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("use case", "minute"):
        table.add_column(title)
    for title in ("ok", "refused", "unknown", *SHOWN, "redelivered", "open"):
        table.add_column(title, justify="right")
    table.add_column("state")
    for m in found:
        outcomes = (m.outcomes[name] for name in SHOWN)
        numbers = (m.ok, m.refused, m.unknown, *outcomes, m.redelivered, m.open)
        shown = (f"{number:,}" for number in numbers)
        table.add_row(m.use_case, f"{m.minute:%Y-%m-%dT%H:%MZ}", *shown, _state(m))
    console().print(table)


def _state(minute: Minute) -> str:
    if minute.missing:
        return f"[red]{minute.missing:,} missing[/]"
    if minute.excess:
        return f"[red]{minute.excess:,} too many[/]"
    return "[green]closed[/]" if minute.is_closed else "balances"


def _show_missing(audited: Audited) -> None:
    """Each minute's missing records below its heading."""
    screen = console()
    for minute in audited.minutes:
        if (missing := audited.missing.get(minute.minute)) is not None:
            head = f"{minute.missing:,} missing of {minute.minute:%Y-%m-%dT%H:%MZ}"
            screen.print(f"\n[bold]{minute.use_case}: {head}[/]")
            if missing.records:
                screen.print(_table(missing.records))
            for line in _remarks(missing):
                screen.print(line, markup=False)
    if audited.skipped and audited.missing:
        screen.print(
            f"\n{audited.skipped:,} earlier minutes miss records too: choose them with --from "
            "and --to"
        )


def _table(records: Sequence[MissingRecord]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in TITLES:
        shown.add_column(title, overflow="fold")
    for r in records:
        values = (r.type, r.event_id, r.key, r.occurred_at, r.received_at, r.state, r.last_seen)
        shown.add_row(*map(cell, values))
    return shown


def _remarks(missing: MissingRecords) -> Iterator[str]:
    if missing.hidden:
        yield f"… and {missing.hidden:,} more: --records lists up to 500"
    yield from missing.notes
