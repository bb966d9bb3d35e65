"""`./sdp send`: an NDJSON file to the ingestion API."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import httpx
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TimeElapsedColumn,
)

from sdpctl.answers import check_url
from sdpctl.connection import ApiKey, connect
from sdpctl.sending import Sender, Tally, send_all


def send(
    file: Annotated[str, typer.Argument(help="NDJSON, each line with `type`; - reads stdin.")],
    workers: Annotated[int, typer.Option(min=1, max=64, help="Connections in parallel.")] = 4,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Events per second. [default: no limit]")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Use this UrlForAPI.")] = None,
    api_key: ApiKey = None,
) -> None:
    """Send events in batches of up to 500; repeat what was not answered; count exactly.

    Ends with 1 if any line was rejected: the first ones are shown with line, field and reason.
    So it does if any was never answered: sent again, a line that has an event_id counts once.
    """
    if url is not None:
        check_url(url)
    base, key = connect("url_for_api", url, api_key)
    errors = Console(stderr=True)
    with _input(file, errors) as (source, total), _client(key, workers) as client:
        tally = _send(Sender(client, f"{base}/events"), source, total, workers, rate, errors)
    show(tally, errors)
    if tally.rejected or tally.unanswered:
        raise typer.Exit(1)


def _send(
    sender: Sender,
    source: BinaryIO,
    total: int | None,
    workers: int,
    rate: float | None,
    console: Console,
) -> Tally:
    columns = (MofNCompleteColumn(), TaskProgressColumn(show_speed=True), TimeElapsedColumn())
    with Progress("{task.description}", BarColumn(), *columns, console=console) as bar:
        task = bar.add_task("sending", total=total)

        def progress(tally: Tally) -> None:
            bar.update(task, completed=tally.accepted + tally.rejected + tally.unanswered)

        return send_all(sender, source, workers=workers, rate=rate, progress=progress)


def show(tally: Tally, console: Console) -> None:
    """The counts, and the first rejected lines."""
    counts = f"accepted {tally.accepted:,}  rejected {tally.rejected:,}"
    console.print(f"{counts}  unanswered {tally.unanswered:,}", highlight=False)
    if tally.retries:
        console.print(f"{tally.retries} batches were sent again", style="dim")
    for rejection in tally.shown:
        where = f"line {rejection.line}" + (f" {rejection.field}" if rejection.field else "")
        console.print(f"  {where}: {rejection.message}", style="red", markup=False)
    if tally.rejected > len(tally.shown):
        console.print(f"  and {tally.rejected - len(tally.shown):,} more", style="red")
    if tally.unanswered:
        console.print(f"  no answer: {tally.cause}", style="red", markup=False, soft_wrap=True)
        console.print("  send the file again: a line that has an event_id counts once", style="dim")


def _client(key: str, workers: int) -> httpx.Client:
    limits = httpx.Limits(max_connections=workers, max_keepalive_connections=workers)
    return httpx.Client(headers={"x-api-key": key}, timeout=60, limits=limits)


@contextmanager
def _input(file: str, console: Console) -> Iterator[tuple[BinaryIO, int | None]]:
    """The lines, and how many there are if that can be known."""
    if file == "-":
        yield sys.stdin.buffer, None
        return
    path = Path(file)
    if not path.is_file():
        reason = "is a folder; name a file of NDJSON" if path.is_dir() else "no such file"
        console.print(f"{file}: {reason}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2)
    with path.open("rb") as lines:
        total = sum(1 for line in lines if line.strip())
    with path.open("rb") as source:
        yield source, total
