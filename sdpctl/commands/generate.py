"""`./sdp generate`: deterministic events of a use case, and the truth about them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import orjson
import typer
from rich.console import Console

import usecases
from glue import PlatformError
from glue.errors import ParameterError
from glue.generation import Event, Generation, Generator, Settings
from glue.parameters import parse_duration
from sdpctl.clock import now

START_STEP = timedelta(minutes=10)
CHUNK = 1_000


def generate(
    use_case: Annotated[str, typer.Option(help="The use case whose events to make.")],
    events: Annotated[int, typer.Option(min=0, help="Distinct events; copies come on top.")],
    seed: Annotated[int, typer.Option(help="Same seed, start and shares: same events.")] = 1,
    rate: Annotated[float, typer.Option(help="Events per second of event time.")] = 1000.0,
    duplicates: Annotated[
        float, typer.Option(min=0, max=1, help="Share of events sent twice, same event_id.")
    ] = 0.0,
    shuffle: Annotated[float, typer.Option(min=0, help="Seconds of event time to mix.")] = 0.0,
    late: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share that is too late to be counted.")
    ] = 0.0,
    unmatched: Annotated[
        float, typer.Option(min=0, max=1, help="Share without the earlier events of its key.")
    ] = 0.0,
    late_by: Annotated[
        str, typer.Option(help="How late, ISO 8601; above CorrelationWindow + AllowedLateness.")
    ] = "PT3H",
    start: Annotated[
        str | None,
        typer.Option(help="Time of the first event, RFC 3339. [default: so that all is past]"),
    ] = None,
    period: Annotated[
        str, typer.Option(help="AggregationPeriod of the truth's rows, ISO 8601.")
    ] = "PT5M",
    drift: Annotated[
        float, typer.Option(help="How far behaviour has moved since a model learned it; 0: not.")
    ] = 0.0,
    out: Annotated[
        Path | None, typer.Option(help="File for the NDJSON. [default: standard output]")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="File for the expected results, JSON.")] = None,
) -> None:
    """Make deterministic events as NDJSON, and the exact reports they must give.

    --events counts distinct events: with --duplicates 0.1 about a tenth more lines are written.
    Without --start the events end before now: the start is floored to ten minutes, and printed.
    """
    errors = Console(stderr=True)
    try:
        settings = Settings(
            events=events,
            start=_start(start, timedelta(seconds=events / rate)),
            seed=seed,
            rate=rate,
            duplicates=duplicates,
            shuffle=timedelta(seconds=shuffle),
            late=late,
            unmatched=unmatched,
            late_by=_duration("--late-by", late_by),
            period=_duration("--period", period),
            drift=drift,
        )
        found = usecases.load().use_case(use_case)
    except (PlatformError, ZeroDivisionError) as error:
        errors.print(f"[red]{error}[/]")
        raise typer.Exit(2) from error
    generation = Generation(found, generator_of(use_case), settings)
    errors.print(f"start {settings.start.isoformat()}, {settings.span} of event time", style="dim")
    with _output(out) as stream:
        write(generation, stream)
    if truth:
        truth.write_bytes(orjson.dumps(generation.truth(), option=orjson.OPT_INDENT_2) + b"\n")


def generator_of(use_case: str) -> Generator:
    """The `generator.py` of a use case."""
    return cast(Generator, import_module(f"usecases.{use_case}.generator"))


def write(events: Iterable[Event], stream: BinaryIO) -> None:
    """Events as NDJSON, some at a time."""
    lines: list[bytes] = []
    for event in events:
        lines.append(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
        if len(lines) >= CHUNK:
            stream.write(b"".join(lines))
            lines.clear()
    stream.write(b"".join(lines))


def default_start(present: datetime, span: timedelta) -> datetime:
    """Ten-minute mark from which events of that span all lie before `present`."""
    latest = (present - span).timestamp()
    step = START_STEP.total_seconds()
    return datetime.fromtimestamp(latest // step * step, UTC)


def _duration(option: str, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ParameterError(f"{option}: {error}") from error


def _start(text: str | None, span: timedelta) -> datetime:
    if text is None:
        return default_start(now(), span)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ParameterError(f"--start: {text!r} is not RFC 3339") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with path.open("wb") as stream:
            yield stream
