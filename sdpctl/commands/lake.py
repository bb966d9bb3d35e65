"""`./sdp lake`: the tables of the lake, and the current files of each."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from glue.targets.lake import lake_tables
from sdpctl import deployment
from sdpctl.errors import CommandError
from sdpctl.lake import LakeObject, Partition, objects, partitions
from sdpctl.settings import Settings
from sdpctl.sql.rows import cell, size


def lake(
    table: Annotated[
        str | None, typer.Argument(help="parquet_… or raw_…. [default: show all tables]")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only days from this one on, like 2026-11-21.")
    ] = None,
    files: Annotated[
        bool, typer.Option("--files", help="Paths on this machine's disk instead of s3://.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    use_case: deployment.UseCaseName = None,
    region: deployment.Region = None,
) -> None:
    """Show which files to read, for programs that read the lake by path.

    A path that is not listed may contain rows that were merged into another file.
    """
    if files and region:
        raise CommandError("--files is only for the platform on this machine; leave out --region")
    first_day = _day(since)
    topology = deployment.topology(region)
    selected = deployment.use_case(topology, use_case)
    names = [name for t in lake_tables(selected) for name in (t.parquet, t.raw)]
    if table is not None and table not in names:
        raise CommandError(f"table {table!r} is unknown; tables: {', '.join(names)}")
    database = topology.database(selected.name)
    with deployment.errors():
        glue, s3 = deployment.client("glue", region), deployment.client("s3", region)
        listed = {
            name: list(objects(s3, _since(partitions(glue, database, name), first_day)))
            for name in ([table] if table else names)
        }
    if table:
        _show(_facts(listed[table], files), as_json, "path")
    else:
        _show([_summary(name, selected) for name, selected in listed.items()], as_json, "table")


def _day(text: str | None) -> str | None:
    """The day as partitions spell it. Raises CommandError for an invalid one."""
    try:
        return None if text is None else date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise CommandError(f"--since {text!r}: must be a day like 2026-11-21") from error


def _since(listed: list[Partition], day: str | None) -> list[Partition]:
    return [partition for partition in listed if day is None or partition.date >= day]


def _facts(items: list[LakeObject], files: bool) -> list[dict[str, Any]]:
    return [
        {
            "path": str(on_disk(Settings.load(), one)) if files else one.uri,
            "date": one.partition.date,
            "hour": one.partition.hour,
            "bytes": one.size,
        }
        for one in items
    ]


def _summary(name: str, items: list[LakeObject]) -> dict[str, Any]:
    hours = [f"{one.partition.date} {one.partition.hour}:00" for one in items]
    return {
        "table": name,
        "files": len(items),
        "bytes": sum(one.size for one in items),
        "first": min(hours, default=None),
        "last": max(hours, default=None),
    }


def on_disk(settings: Settings, item: LakeObject) -> Path:
    """The emulator's file of the object."""
    return settings.home / "emulator" / "s3" / settings.account / item.bucket / item.key


def _show(facts: list[dict[str, Any]], as_json: bool, name: str) -> None:
    if as_json:
        typer.echo(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
        return
    columns = list(facts[0]) if facts else [name]
    shown = Table(box=None, pad_edge=False)
    for column in columns:
        right = column in ("files", "bytes")
        shown.add_column(column, justify="right" if right else "left", overflow="fold")
    for fact in facts:
        shown.add_row(*(_cell(column, fact[column]) for column in columns))
    Console(highlight=False).print(shown)


def _cell(column: str, value: Any) -> Text:
    if value is None:
        return Text()
    return cell(size(value) if column == "bytes" else value)
