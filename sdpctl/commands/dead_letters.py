"""`./sdp dead-letters`: what was not counted, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from glue import UseCase
from glue.deadletter import REASONS, STAGES
from sdpctl import deployment
from sdpctl.answers import console
from sdpctl.clock import now
from sdpctl.errors import CommandError
from sdpctl.sql.athena import Athena
from sdpctl.sql.events import keys_of
from sdpctl.sql.letters import Record, count_query, glimpse, original, query
from sdpctl.sql.rows import cell

Letter = dict[str, Any]
DAYS = 3_650
_SOURCE = ("stream", "shard", "sequence_number")


dead_letters = typer.Typer(invoke_without_command=True)


@dead_letters.callback()
def list_(
    context: typer.Context,
    use_case: deployment.AnyUseCase = None,
    reason: Annotated[str | None, typer.Option(help=f"{', '.join(REASONS)}.")] = None,
    stage: Annotated[str | None, typer.Option(help=f"{', '.join(STAGES)}.")] = None,
    event_id: Annotated[str | None, typer.Option(help="Only of the event with this id.")] = None,
    key: Annotated[str | None, typer.Option(help="Only of events with this key.")] = None,
    days: Annotated[int, typer.Option(help=f"Failed within this many days, 1 to {DAYS}.")] = 7,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many, the newest.")] = 20,
    count: Annotated[
        bool, typer.Option("--count", help="Count by use case, stage and reason.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One object per line, with the original bytes in base64.")
    ] = False,
    region: deployment.Region = None,
) -> None:
    """List dead letters from the lake, newest first. They arrive there after a minute or two."""
    if context.invoked_subcommand:
        return
    _require("--reason", reason, REASONS)
    _require("--stage", stage, STAGES)
    if not 1 <= days <= DAYS:
        raise CommandError(f"--days {days}: must be 1 to {DAYS}")
    since = now() - timedelta(days=days)
    filters = {"reason": reason, "stage": stage, "event_id": event_id}

    def sql(of: UseCase) -> str:
        record = Record(keys_of(of), key) if key is not None else None
        if count:
            return count_query(since, filters, record)
        return query(since, filters, limit, record)

    rows = _rows(use_case, region, sql)
    if not count:
        rows = sorted(rows, key=lambda row: str(row["failed_at"]), reverse=True)[:limit]
    if as_json:
        for row in rows:
            typer.echo(orjson.dumps(row if count else nested(row)))
    else:
        Console().print(_counts(rows) if count else _table(rows))


@dead_letters.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id of the dead letter.")],
    use_case: deployment.AnyUseCase = None,
    days: Annotated[int, typer.Option(min=1, max=DAYS, help="Failed within this many days.")] = 90,
    region: deployment.Region = None,
) -> None:
    """Show one dead letter in full, and the record as it was sent."""
    sql = query(now() - timedelta(days=days), {"id": id_})
    rows = _rows(use_case, region, lambda _: sql)
    if not rows:
        raise CommandError(f"{id_}: no dead letter with this id failed within {days} days")
    for row in rows:
        console().print(letter(row))


def letter(row: Letter) -> Table:
    """A line for each field of a dead letter."""
    shown = Table(box=None, pad_edge=False, show_header=False)
    shown.add_column(style="dim")
    shown.add_column(overflow="fold")
    for name, value in row.items():
        if name not in ("payload", "encoding") and value is not None:
            shown.add_row(name, cell(value))
    data = original(row["payload"], row["encoding"])
    text = "" if data is None else data.decode("utf-8", "backslashreplace").strip()
    shown.add_row("record", cell(text))
    return shown


def _require(option: str, value: str | None, choices: Sequence[str]) -> None:
    if value is not None and value not in choices:
        raise CommandError(f"{option} {value!r}: unknown; choose from {', '.join(choices)}")


def _rows(name: str | None, region: str | None, sql: Callable[[UseCase], str]) -> list[Letter]:
    """The rows of a query of each use case, or of one, with its name."""
    topology = deployment.topology(region)
    return [
        {"use_case": selected.name, **row}
        for selected in deployment.use_cases(topology, name)
        for row in Athena.of(topology, selected.name, region).rows(sql(selected))
    ]


def nested(row: Letter) -> Letter:
    """A dead letter as in its stream, with `source` as a nested object."""
    source = {name: row[f"source_{name}"] for name in _SOURCE}
    return {k: v for k, v in row.items() if not k.startswith("source_")} | {"source": source}


def _table(rows: list[Letter]) -> Table:
    several = len({row["use_case"] for row in rows}) > 1  # a column less is wider ones
    shown = Table(box=None, pad_edge=False)
    titles = ("failed at", "stage", "reason", "what is wrong", "record", "id")
    for title in (*(("use case",) if several else ()), *titles):
        shown.add_column(title, overflow="fold")
    for row in rows:
        wrong = row["detail"] or row["field"] or ""
        record = glimpse(original(row["payload"], row["encoding"]))
        where = (row["failed_at"], row["stage"], row["reason"])
        use_case = (row["use_case"],) if several else ()
        shown.add_row(*map(cell, (*use_case, *where, wrong, record, row["id"])))
    return shown


def _counts(rows: list[Letter]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in ("use case", "stage", "reason", "letters", "newest"):
        shown.add_column(title, justify="right" if title == "letters" else "left")
    for row in rows:
        of, letters = (row["use_case"], row["stage"], row["reason"]), f"{row['letters']:,}"
        shown.add_row(*map(cell, (*of, letters, row["newest"])))
    return shown
