"""`./sdp find`: where an event is now, by event_id or key."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from glue import UseCase
from glue.parameters import Parameters
from infra.topology import Topology
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.reports.progress import Completeness, completeness
from sdpctl import deployment
from sdpctl.answers import console
from sdpctl.clock import now
from sdpctl.commands.backfill import parameters_of
from sdpctl.errors import CommandError
from sdpctl.finding import (
    Evidence,
    Verdict,
    events_queries,
    records_of_events,
    results_query,
    since,
)
from sdpctl.sql.athena import Athena
from sdpctl.sql.letters import query
from sdpctl.sql.rows import cell

AT_ONCE = 500  # ids in one query, which may have 262,144 bytes
COLORS = {"counted": "green", "waiting": "yellow", "unknown": "yellow", "not counted": "red"}


def find(
    text: Annotated[str, typer.Argument(metavar="EVENT_ID|KEY", help="An event_id or a key.")],
    use_case: deployment.UseCaseName = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Sent within this many days.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    region: deployment.Region = None,
) -> None:
    """Show where events are: counted in which row, waiting until when, or why refused.

    Reads the lake, where an event arrives a minute or two after it was accepted.
    """
    topology = deployment.topology(region)
    selected = deployment.use_case(topology, use_case)
    athena = Athena.of(topology, selected.name, region)
    start = since(now(), days)
    events = [row for sql in events_queries(selected, text, start) for row in rows(athena, sql)]
    if not events:
        raise CommandError(
            f"{text}: no event of {selected.name} with this event_id or key within {days} days; "
            "an accepted event is listed a minute or two later"
        )
    parameters = parameters_of(topology, selected, region)
    ids = list(dict.fromkeys(row["event_id"] for row in events if row["event_id"]))
    parts = [ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE)]
    evidence = Evidence(
        selected,
        parameters,
        now(),
        _progress(topology, selected, region, parameters).through,
        [row for part in parts for row in rows(athena, query(start, {"event_id": part}))],
        [
            row
            for record in records_of_events(selected)
            for part in parts
            for row in rows(athena, results_query(selected, record, part, start))
        ],
    )
    _show(evidence.verdicts(events), as_json=as_json)


def rows(athena: Athena, sql: str) -> list[dict[str, Any]]:
    """The rows of a query, as column name → value."""
    return [
        dict(zip((c.name for c in columns), row, strict=True))
        for columns, page in athena.pages(athena.run(sql))
        for row in page
    ]


def _progress(
    topology: Topology, use_case: UseCase, region: str | None, parameters: Parameters
) -> Completeness:
    store = DynamoStore(deployment.client("dynamodb", region))
    of_use_case = completeness(store, topology.progress_table, {use_case.name: parameters})
    return of_use_case(use_case.name)


def _show(verdicts: list[Verdict], *, as_json: bool) -> None:
    if as_json:
        for verdict in verdicts:
            typer.echo(orjson.dumps(verdict.as_dict()))
        return
    shown = Table(box=None, pad_edge=False)
    for title in ("occurred at", "type", "event_id", "key", "state", "where, why or until when"):
        shown.add_column(title, overflow="fold")
    for v in verdicts:
        state = f"[{COLORS[v.state]}]{v.state}[/]"
        shown.add_row(v.occurred_at, v.type, cell(v.event_id), cell(v.key), state, cell(v.detail))
    console().print(shown)
