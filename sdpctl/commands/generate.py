"""`./sdp generate`: deterministic events of a use case, and their exact results."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import orjson
import typer
from rich.console import Console

import usecases
from datagen import REPEAT_WITHIN, Event, Generation, Generator, Settings
from glue import PlatformError, instants
from glue.errors import ParameterError
from glue.parameters import Parameters, Role, format_duration, parse_duration
from sdpctl.clock import now

CHUNK = 1_000
RANGES: Mapping[str, tuple[float, float]] = {
    "--events": (0, 10_000_000_000),
    "--rate": (0.001, 1_000_000),
    "--duplicates": (0, 1),
    "--shuffle": (0, 86_400),
    "--late": (0, 0.5),
    "--unmatched": (0, 1),
    "--drift": (-10, 10),
}


def _range(option: str) -> str:
    low, high = RANGES[option]
    return f"{low} to {high}"


def generate(
    events: Annotated[
        int,
        typer.Option(help=f"Distinct events, {_range('--events')}; duplicates come on top."),
    ],
    use_case: Annotated[
        str | None, typer.Option(help="Use case of the events. [default: the catalog's first]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, start and shares: same events.")] = 1,
    rate: Annotated[
        float, typer.Option(help=f"Events per second of event time, {_range('--rate')}.")
    ] = 1000.0,
    duplicates: Annotated[
        float,
        typer.Option(
            help=f"Share of events sent twice with the same event_id, {_range('--duplicates')}."
        ),
    ] = 0.0,
    shuffle: Annotated[
        float, typer.Option(help=f"Seconds of event time to shuffle, {_range('--shuffle')}.")
    ] = 0.0,
    late: Annotated[
        float, typer.Option(help=f"Share of events too late to be counted, {_range('--late')}.")
    ] = 0.0,
    unmatched: Annotated[
        float,
        typer.Option(
            help=f"Share of events without the earlier ones of their key, {_range('--unmatched')}."
        ),
    ] = 0.0,
    late_by: Annotated[
        str, typer.Option(help="How late, ISO 8601; above CorrelationWindow + AllowedLateness.")
    ] = "PT3H",
    start: Annotated[
        str | None,
        typer.Option(help="Time of the first event, RFC 3339. [default: so that the last is now]"),
    ] = None,
    period: Annotated[
        str, typer.Option(help="AggregationPeriod of the truth's rows, ISO 8601.")
    ] = "PT5M",
    drift: Annotated[
        float,
        typer.Option(
            help="How far behaviour has drifted since a model was trained, "
            f"{_range('--drift')}; 0 for none."
        ),
    ] = 0.0,
    out: Annotated[
        Path | None, typer.Option(help="File for the NDJSON. [default: standard output]")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="File for the expected results, JSON.")] = None,
) -> None:
    """Generate deterministic events as NDJSON, and the exact reports that must result.

    --events counts distinct events: with --duplicates 0.1 about a tenth more lines are written.
    Without --start the events end now, so that they count if they are sent soon; the start is
    printed, and with it the same command generates the same events.
    """
    errors = Console(stderr=True, highlight=False)
    try:
        _check_numbers(
            {
                "--events": events,
                "--rate": rate,
                "--duplicates": duplicates,
                "--shuffle": shuffle,
                "--late": late,
                "--unmatched": unmatched,
                "--drift": drift,
            }
        )
        _check_files(out, truth)
        settings = Settings(
            events=events,
            start=_start(start, timedelta(seconds=events / rate)),
            seed=seed,
            rate=rate,
            duplicates=duplicates,
            shuffle=timedelta(seconds=shuffle),
            late=late,
            unmatched=unmatched,
            late_by=_late_by(late_by),
            period=_period(period),
            drift=drift,
        )
        _check_times(settings)
        catalog = usecases.load()
        definition = catalog.use_case(use_case) if use_case else catalog.use_cases[0]
        generation = Generation(definition, generator_of(definition.name), settings)
        _print_times(errors, settings, definition.configured({}))
        with _file("--out", out), _output(out) as stream:
            write(generation, stream)
        if truth:
            with _file("--truth", truth):
                expected = orjson.dumps(generation.truth(), option=orjson.OPT_INDENT_2)
                truth.write_bytes(expected + b"\n")
    except PlatformError as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error


def generator_of(use_case: str) -> Generator:
    """The `generator.py` of a use case. Raises ParameterError if it has none."""
    name = f"usecases.{use_case}.generator"
    if find_spec(name) is None:
        raise ParameterError(
            f"--use-case {use_case}: it has no generator; add usecases/{use_case}/generator.py, "
            "or choose another use case"
        )
    return cast(Generator, import_module(name))


def _print_times(console: Console, settings: Settings, parameters: Parameters) -> None:
    """Prints the events' time range, and until when they count."""
    start = instants.to_wire(settings.start)
    console.print(f"--start {start}, {settings.span} of event time", style="dim")
    names, lateness = _lateness(parameters)
    if now() - settings.start > lateness:
        console.print(
            f"the first event is older than {format_duration(lateness)}: what is older than the "
            f"deployment's {names} (see './sdp outputs') when it is sent is not counted, but late; "
            "--start chooses a later start",
            style="yellow",
        )


def _lateness(parameters: Parameters) -> tuple[str, timedelta]:
    """How old an event may be when it is sent, and the names of the parameters that say so.

    Event time follows the clock also where nobody sends, WatermarkDelay behind it.
    """
    if names := parameters.named(Role.LATENESS):
        return names, parameters.lateness
    return "WatermarkDelay", parameters.watermark_delay


def write(events: Iterable[Event], stream: BinaryIO) -> None:
    """Events as NDJSON, in chunks."""
    lines: list[bytes] = []
    for event in events:
        lines.append(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
        if len(lines) >= CHUNK:
            stream.write(b"".join(lines))
            lines.clear()
    stream.write(b"".join(lines))


def default_start(present: datetime, span: timedelta) -> datetime:
    """The latest whole second from which events of that span end by `present`."""
    return (present - span).replace(microsecond=0)


def _check_numbers(numbers: Mapping[str, float]) -> None:
    for option, value in numbers.items():
        low, high = RANGES[option]
        if not low <= value <= high:  # so is NaN
            raise ParameterError(f"{option} {value}: must be from {_range(option)}")


def _late_by(text: str) -> timedelta:
    try:
        duration = parse_duration(text)
    except ValueError as error:
        raise ParameterError(f"--late-by: {error}") from error
    if not duration:
        raise ParameterError(f"--late-by {text}: must be longer than zero")
    return duration


def _period(text: str) -> timedelta:
    """Checks that a deployment would accept this AggregationPeriod."""
    try:
        return Parameters.parse({"AggregationPeriod": text}).aggregation_period
    except ParameterError as error:
        raise ParameterError(f"--period: {error}") from error


def _start(text: str | None, span: timedelta) -> datetime:
    try:
        return default_start(now(), span) if text is None else instants.parse(text)
    except ValueError as error:
        raise ParameterError(f"--start {text!r}: {error}") from error
    except OverflowError as error:
        raise ParameterError(
            f"--events at this --rate take {span}: no start is early enough"
        ) from error


def _check_times(settings: Settings) -> None:
    """Every event's time must be representable."""
    latest = max(settings.shuffle, REPEAT_WITHIN)
    try:
        if settings.late:
            instants.from_millis(settings.start_ms - _millis(settings.late_by))
    except ValueError as error:
        late_by = format_duration(settings.late_by)
        raise ParameterError(f"--late-by {late_by} before --start: {error}") from error
    try:
        instants.from_millis(settings.start_ms + _millis(settings.span + latest))
    except ValueError as error:
        raise ParameterError(
            f"--start, and {settings.span} for --events at this --rate: {error}"
        ) from error


def _millis(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _check_files(out: Path | None, truth: Path | None) -> None:
    """Checks first that both files can be written and differ."""
    for option, path in (("--out", out), ("--truth", truth)):
        if path:
            with _file(option, path):
                _check_file(option, path)
    if out and truth and (out.resolve() == truth.resolve()):
        raise ParameterError(
            f"--out and --truth are the same file, {out}: name two different files"
        )


def _check_file(option: str, path: Path) -> None:
    if path.is_dir():
        raise ParameterError(f"{option} {path}: is a folder; name a file")
    if not path.parent.is_dir():
        raise ParameterError(
            f"{option} {path}: folder {path.parent} does not exist; create it first"
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ParameterError(f"{option} {path}: permission denied")


@contextmanager
def _file(option: str, path: Path | None) -> Iterator[None]:
    """Turns file errors into messages with the option; a pipe's reader may stop early."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise ParameterError(f"{option} {path or '-'}: {error.strerror}") from error


@contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with path.open("wb") as stream:
            yield stream
