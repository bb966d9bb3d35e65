"""`./sdp dead-letters`: what was not counted, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from glue.deadletter import REASONS, STAGES
from sdpctl import deployment
from sdpctl.clock import now
from sdpctl.errors import CommandError
from sdpctl.local.processes import pause
from sdpctl.sql.athena import Athena
from sdpctl.sql.letters import count_query, glimpse, original, query
from sdpctl.sql.rows import cell

Letter = dict[str, Any]
DAYS = 3_650
_SOURCE = ("stream", "shard", "sequence_number")


def dead_letters(
    use_case: Annotated[
        str | None, typer.Option(help="Whose. [default: the catalog's first]")
    ] = None,
    reason: Annotated[str | None, typer.Option(help=f"{', '.join(REASONS)}.")] = None,
    stage: Annotated[str | None, typer.Option(help=f"{', '.join(STAGES)}.")] = None,
    days: Annotated[int, typer.Option(help=f"Failed within so many days, 1 to {DAYS}.")] = 7,
    limit: Annotated[int, typer.Option(min=1, help="Show no more than the newest.")] = 20,
    count: Annotated[bool, typer.Option("--count", help="How many, by stage and reason.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="An object a line, the original bytes in base64.")
    ] = False,
    region: deployment.Region = None,
) -> None:
    """List dead letters out of the lake, the newest first; there a minute or two after them."""
    _require("--reason", reason, REASONS)
    _require("--stage", stage, STAGES)
    if not 1 <= days <= DAYS:
        raise CommandError(f"--days {days}: 1 to {DAYS}")
    topology = deployment.topology()
    name = use_case or topology.catalog.use_cases[0].name
    workgroup, database = topology.workgroup(name), topology.database(name)
    athena = Athena(deployment.client("athena", region), workgroup, database, pause)
    since, filters = now() - timedelta(days=days), {"reason": reason, "stage": stage}
    rows = _rows(
        athena, count_query(since, filters) if count else query(since, filters, limit=limit)
    )
    if as_json:
        for row in rows:
            typer.echo(orjson.dumps(row if count else nested(row)))
    else:
        Console().print(_counts(rows) if count else _table(rows))


def _require(option: str, given: str | None, choices: Sequence[str]) -> None:
    if given is not None and given not in choices:
        raise CommandError(f"{option} {given!r}: there is no such; there are {', '.join(choices)}")


def _rows(athena: Athena, sql: str) -> list[Letter]:
    finished = athena.run(sql)
    return [
        dict(zip((c.name for c in columns), row, strict=True))
        for columns, page in athena.pages(finished)
        for row in page
    ]


def nested(row: Letter) -> Letter:
    """A letter in the form it has on its stream: its source is a group of its own."""
    source = {name: row[f"source_{name}"] for name in _SOURCE}
    return {k: v for k, v in row.items() if not k.startswith("source_")} | {"source": source}


def _table(rows: list[Letter]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in ("failed at", "stage", "reason", "what is wrong", "record"):
        shown.add_column(title, overflow="fold")
    for row in rows:
        wrong = row["detail"] or row["field"] or ""
        record = glimpse(original(row["payload"], row["encoding"]))
        cells = (row["failed_at"], row["stage"], row["reason"], wrong, record)
        shown.add_row(*map(cell, cells))
    return shown


def _counts(rows: list[Letter]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in ("stage", "reason", "letters", "newest"):
        shown.add_column(title, justify="right" if title == "letters" else "left")
    for row in rows:
        letters = f"{row['letters']:,}"
        shown.add_row(*map(cell, (row["stage"], row["reason"], letters, row["newest"])))
    return shown
