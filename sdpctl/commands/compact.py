"""`./sdp compact`: calls the deployment's compaction function now instead of by schedule."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lambdas.compact.request import Request
from sdpctl import deployment
from sdpctl.errors import CommandError

OUTPUT = "CompactionFunction"
# The function runs for up to a quarter of an hour.
SECONDS = 920
_MIB = 2**20


def compact(
    table: Annotated[str | None, typer.Option(help="One table only, like parquet_NAME.")] = None,
    date: Annotated[str | None, typer.Option(help="One day only, like 2026-11-21 (UTC).")] = None,
    hour: Annotated[str | None, typer.Option(help="One hour only: 00 to 23 (UTC).")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done without changing anything.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    use_case: Annotated[
        str | None, typer.Option(help="Use case of the tables. [default: all]")
    ] = None,
    region: deployment.Region = None,
) -> None:
    """Merge the files of closed hours in the lake; queries always see the same rows."""
    request = {"use_case": use_case, "table": table, "date": date, "hour": hour}
    event = {**{k: v for k, v in request.items() if v}, "dry_run": dry_run}
    # Report invalid values here rather than in the function.
    Request.parse(event).tables(deployment.topology(region).catalog)
    hours = _invoke(event, region)
    if as_json:
        typer.echo(json.dumps(hours, indent=2))
    elif hours:
        Console().print(_table(hours))
    else:
        typer.echo("nothing to do: every closed hour is compacted")


def _invoke(event: dict[str, Any], region: str | None) -> list[dict[str, Any]]:
    """The hours that the function worked on. Raises CommandError with its message."""
    client = deployment.client("lambda", region, read_seconds=SECONDS)
    name = deployment.output(OUTPUT, region)
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    content: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        kind, message = content.get("errorType", "error"), content.get("errorMessage", content)
        # The runtime's own names mean nothing to the user.
        raise CommandError(str(message) if kind.startswith("Runtime.") else f"{kind}: {message}")
    hours: list[dict[str, Any]] = content["hours"]
    return hours


def _table(hours: Iterable[dict[str, Any]]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in ("hour", ""):
        shown.add_column(title, no_wrap=True)
    for title in ("files", "MiB", "rows", "repeats dropped", "objects removed"):
        shown.add_column(title, justify="right")
    for one in hours:
        shown.add_row(
            f"{one['table']} {one['date']} {one['hour']}",
            one["action"],
            _change(one["files_before"], one["files_after"]),
            _change(one["bytes_before"] / _MIB, one["bytes_after"] / _MIB),
            f"{one['rows']:,}",
            f"{one['repeats_dropped']:,}",
            f"{one['objects_removed']:,}",
        )
    return shown


def _change(before: float, after: float) -> str:
    """`1,000 → 8`, or the present number if nothing was merged."""
    shown = "{:,}" if isinstance(before, int) else "{:,.1f}"
    texts = [shown.format(n) for n in (before, after) if n]
    return " → ".join(texts)
