"""`./sdp audit`: whether every event that was accepted has exactly one outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import orjson
import typer
from rich.table import Table

from glue import UseCase
from glue.instants import EPOCH
from infra.topology import Topology
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.adapters.receipts import DynamoReceipts
from lambdas.balance import Limits, Minute, minutes
from sdpctl import deployment, ranges
from sdpctl.answers import console
from sdpctl.commands.recomputing import parameters_of
from sdpctl.errors import CommandError

DEFAULT = timedelta(hours=24)
SHOWN = ("counted", "duplicate", "late", "unmatched", "malformed", "filtered")


def audit(
    use_case: deployment.AnyUseCase = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="From this time of receipt. [default: 24 h ago]")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Before this time. [default: now]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object per minute.")] = False,
    region: deployment.Region = None,
) -> None:
    """Show what was accepted in each minute and what became of it; exits 1 if one is wrong.

    A minute balances when ok ≤ outcomes + open ≤ ok + unknown. Open records are not read yet, or
    wait for others; when event time has passed the minute, they are missing.
    """
    span = ranges.span(from_, to, DEFAULT)
    topology = deployment.topology(region)
    found = [
        minute
        for selected in _audited(topology, use_case)
        for minute in _minutes(topology, selected, span, region)
    ]
    if as_json:
        for minute in found:
            typer.echo(orjson.dumps(minute.as_dict()))
    else:
        _show(found)
    if any(not minute.balances for minute in found):
        raise typer.Exit(1)


def _audited(topology: Topology, name: str | None) -> list[UseCase]:
    chosen = deployment.use_cases(topology, name)
    if audited := [u for u in chosen if u.is_audited]:
        return audited
    names = ", ".join(u.name for u in chosen)
    raise CommandError(f"{names}: no ledger; a pipeline file must create 'outcomes'")


def _minutes(
    topology: Topology, use_case: UseCase, span: tuple[datetime, datetime], region: str | None
) -> list[Minute]:
    client = deployment.client("dynamodb", region)
    limits = Limits.of(parameters_of(topology, use_case, region))
    with deployment.errors():
        # the watermark first: what it has passed is in the ledger when that is read
        item = DynamoStore(client).get(topology.progress_table, {"use_case": {"S": use_case.name}})
        watermark = item and EPOCH + timedelta(milliseconds=int(item["watermark"]["N"]))
        ledger = DynamoReceipts(topology.ledger_table, client)
        return [*minutes(ledger, use_case.name, span, watermark or None, limits)]


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
