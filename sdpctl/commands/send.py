"""`./sdp send`: an NDJSON file to the ingestion API."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import httpx
import orjson
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TimeElapsedColumn,
)

from glue import UseCase
from sdpctl.answers import check_url
from sdpctl.connection import ApiKey, choose, connect, topics
from sdpctl.errors import CommandError
from sdpctl.sending import Rejection, Sender, Tally, Types, send_all

Keep = Callable[[Rejection], object]


def send(
    file: Annotated[str, typer.Argument(help="NDJSON, each line with `type`; - reads stdin.")],
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            max=64,
            help="Connections in parallel; their batches overtake each other, so events of a "
            "recording may be late. One keeps the order of lines.",
        ),
    ] = 4,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Events per second. [default: no limit]")
    ] = None,
    rejected: Annotated[
        Path | None,
        typer.Option(
            help="File for rejected lines: one object per line with line, field, message."
        ),
    ] = None,
    use_case: Annotated[
        str | None,
        typer.Option(help="Reject events of other use cases. [default: send those of all]"),
    ] = None,
    mqtt: Annotated[
        bool, typer.Option("--mqtt", help="Publish over MQTT, one connection for each thing.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="Use this UrlForAPI, or with --mqtt this UrlForMQTT.")
    ] = None,
    api_key: ApiKey = None,
) -> None:
    """Send events in batches of up to 500, retry unanswered ones, count exactly.

    Exits with 1 if any line was rejected (the first ones are shown with line, field and reason) or
    never answered: sent again, a line that has an event_id counts once.

    With --mqtt events without an event_id are named by what identifies them, so they too count once
    if they have a time.
    """
    if url is not None and not mqtt:
        check_url(url)
    types = None if use_case is None else _types(choose(use_case, deployed=url is None))
    errors = Console(stderr=True)
    if mqtt:
        _publish(file, rate, errors, rejected, types, url, api_key)
        return
    base, key = connect("url_for_api", url, api_key)
    with (
        _input(file, errors) as (source, total),
        _kept(rejected) as keep,
        _client(key, workers) as client,
    ):
        sender = Sender(client, f"{base}/events")
        with _progress(total, errors) as progress:
            tally = send_all(
                sender,
                source,
                workers=workers,
                rate=rate,
                progress=progress,
                keep=keep,
                types=types,
            )
    _end(tally, errors, rejected)


def _publish(
    file: str,
    rate: float | None,
    errors: Console,
    rejected: Path | None,
    types: Types | None,
    url: str | None,
    api_key: str | None,
) -> None:
    from sdpctl.publishing import Broker, publish_all  # imported late: the client of MQTT

    base, key = connect("url_for_mqtt", url, api_key)
    broker = Broker(base, key, topics(deployed=url is None))
    tally = Tally()
    try:
        with (
            _input(file, errors) as (source, total),
            _kept(rejected) as keep,
            _progress(total, errors) as progress,
        ):
            publish_all(
                broker,
                source,
                rate=rate,
                progress=progress,
                keep=keep,
                types=types,
                tally=tally,
            )
    except CommandError:
        if tally.accepted or tally.rejected or tally.unanswered:
            show(tally, errors)
        raise
    _end(tally, errors, rejected)


def _end(tally: Tally, errors: Console, rejected: Path | None) -> None:
    show(tally, errors)
    if rejected and tally.rejected:
        errors.print(f"  all of them: {rejected}", style="dim", markup=False, soft_wrap=True)
    if tally.rejected or tally.unanswered:
        raise typer.Exit(1)


@contextmanager
def _progress(total: int | None, console: Console) -> Iterator[Callable[[Tally], None]]:
    """A progress bar that is moved with a tally."""
    columns = (MofNCompleteColumn(), TaskProgressColumn(show_speed=True), TimeElapsedColumn())
    with Progress("{task.description}", BarColumn(), *columns, console=console) as bar:
        task = bar.add_task("sending", total=total)

        def progress(tally: Tally) -> None:
            bar.update(task, completed=tally.accepted + tally.rejected + tally.unanswered)

        yield progress


def _types(use_case: UseCase) -> Types:
    names = (name for event in use_case.events for name in (event.type, *event.aliases))
    return Types(use_case.name, tuple(names))


def show(tally: Tally, console: Console) -> None:
    """The counts, and the first rejected lines."""
    counts = f"accepted {tally.accepted:,}  rejected {tally.rejected:,}"
    console.print(f"{counts}  unanswered {tally.unanswered:,}", highlight=False)
    if tally.retries:
        console.print(f"{tally.retries} batches were retried", style="dim")
    for warning, count in tally.warnings.most_common():
        console.print(f"  {count:,} accepted, but {warning}", style="yellow", markup=False)
    for rejection in tally.shown:
        where = f"line {rejection.line}" + (f" {rejection.field}" if rejection.field else "")
        console.print(f"  {where}: {rejection.message}", style="red", markup=False)
    if tally.rejected > len(tally.shown):
        console.print(f"  and {tally.rejected - len(tally.shown):,} more", style="red")
    if tally.unanswered:
        console.print(f"  no response: {tally.cause}", style="red", markup=False, soft_wrap=True)
        console.print("  send the file again: a line that has an event_id counts once", style="dim")


def _client(key: str, workers: int) -> httpx.Client:
    limits = httpx.Limits(max_connections=workers, max_keepalive_connections=workers)
    return httpx.Client(headers={"x-api-key": key}, timeout=60, limits=limits)


@contextmanager
def _kept(path: Path | None) -> Iterator[Keep]:
    """Writes a rejected line and its reason to the file, if there is one."""
    if path is None:
        yield lambda rejection: None
        return
    try:
        file = path.open("wb")
    except OSError as error:
        raise CommandError(f"--rejected {path}: {error.strerror}") from error
    with file:
        yield lambda rejection: file.write(_described(rejection))


def _described(rejection: Rejection) -> bytes:
    entry = {
        "line": rejection.line,
        "field": rejection.field,
        "message": rejection.message,
        "record": rejection.record.decode("utf-8", "backslashreplace"),
    }
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)


@contextmanager
def _input(file: str, console: Console) -> Iterator[tuple[BinaryIO, int | None]]:
    """The lines, and their number if known."""
    if file == "-":
        yield sys.stdin.buffer, None
        return
    path = Path(file)
    if not path.is_file():
        reason = "is a folder; name an NDJSON file" if path.is_dir() else "does not exist"
        console.print(f"{file}: {reason}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2)
    with path.open("rb") as lines:
        total = sum(1 for line in lines if line.strip())
    with path.open("rb") as source:
        yield source, total
