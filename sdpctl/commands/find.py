"""`./sdp find`: where an event is now, by event_id or key."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import orjson
import typer
from rich.table import Table

from glue import UseCase
from infra.topology import Topology
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.event_queries import first_day
from lambdas.finding import Search, Verdict
from lambdas.reports.progress import completeness
from sdpctl import deployment
from sdpctl.answers import console
from sdpctl.clock import now
from sdpctl.commands.recomputing import parameters_of
from sdpctl.errors import CommandError
from sdpctl.sql.athena import Athena
from sdpctl.sql.rows import cell

COLORS = {"counted": "green", "waiting": "yellow", "unknown": "yellow", "not counted": "red"}


def find(
    text: Annotated[str, typer.Argument(metavar="EVENT_ID|KEY", help="An event_id or a key.")],
    use_case: deployment.AnyUseCase = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Sent within this many days.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    region: deployment.Region = None,
) -> None:
    """Show where events are: counted in which row, waiting until when, or why refused.

    Reads the lake, where an event arrives a minute or two after it was accepted.
    """
    topology = deployment.topology(region)
    searched = deployment.use_cases(topology, use_case)
    since = first_day(now(), days)
    found = [v for u in searched for v in _search(topology, u, region, since).verdicts(text)]
    if not found:
        raise CommandError(
            f"{text}: no event of {' or '.join(u.name for u in searched)} with this event_id or "
            f"key within {days} days; an accepted event is listed a minute or two later"
        )
    _show(found, as_json=as_json)


def verdicts(
    topology: Topology, use_case: UseCase, text: str, region: str | None, days: int = 90
) -> list[Verdict]:
    """A verdict for each event of a use case with this event_id or key."""
    return _search(topology, use_case, region, first_day(now(), days)).verdicts(text)


def _search(topology: Topology, use_case: UseCase, region: str | None, since: datetime) -> Search:
    parameters = parameters_of(topology, use_case, region)
    athena = Athena.of(topology, use_case.name, region)

    def through() -> datetime | None:
        store = DynamoStore(deployment.client("dynamodb", region))
        name = use_case.name
        return completeness(store, topology.progress_table, {name: parameters})(name).through

    return Search(use_case, parameters, since, athena.rows, through, now)


def _show(verdicts: list[Verdict], *, as_json: bool) -> None:
    if as_json:
        for verdict in verdicts:
            typer.echo(orjson.dumps(verdict.as_dict()))
        return
    shown = Table(box=None, pad_edge=False)
    titles = ("occurred at", "use case", "type", "event_id", "key", "state")
    for title in (*titles, "where, why or until when"):
        shown.add_column(title, overflow="fold")
    for v in verdicts:
        texts = map(cell, (v.use_case, v.type, v.event_id, v.key))
        shown.add_row(v.occurred_at, *texts, f"[{COLORS[v.state]}]{v.state}[/]", cell(v.detail))
    console().print(shown)
