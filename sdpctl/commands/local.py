"""`./sdp up | down | clean | status | outputs | package`: the platform on this machine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from glue.errors import ParameterError
from glue.parameters import is_parameter
from infra import settings as deployment
from infra.applications import is_scoped
from sdpctl.clock import now
from sdpctl.errors import CommandError
from sdpctl.local import outputs as deployed
from sdpctl.local import platform
from sdpctl.local.flows import IN, OUT, REFUSED, Rates, counted_since
from sdpctl.local.status import Component, components
from sdpctl.pairs import pairs
from sdpctl.settings import Settings
from sdpctl.sql.rows import cell

WATCH_SECONDS = 2.0
WIDE = 160  # columns of a table in a pipe
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def up(
    parameters: Annotated[
        str, typer.Option(help="Deployment parameters: 'Name=value Name=value'.")
    ] = "",
    use_cases: Annotated[
        str, typer.Option(help="Use cases to deploy, separated by spaces. [default: cdk.json's]")
    ] = "",
) -> None:
    """Start the platform, or update it in place, keeping all data."""
    platform.up(Settings.load(), parse_parameters(parameters, use_cases), platform.Steps())


def down() -> None:
    """Stop the platform, keeping its data."""
    platform.down(Settings.load(), platform.Steps())


def clean() -> None:
    """Stop the platform and remove its data."""
    platform.clean(Settings.load(), platform.Steps())


def status(
    as_json: AsJson = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Repeat, with rates of the last 30 seconds.")
    ] = False,
) -> None:
    """Show each component: status, since when, lag, log. Exits with 1 if one is down.

    Records per second of a use case: events in, results out, and refused (dead letters), over the
    last one to two minutes. The lag of Flink is how far event time is behind the heartbeats: near
    zero if all is read. MiB is the memory that the processes of a component occupy. A replay that
    runs on this machine has a line with how far it is, an interrupted one with how to go on.
    """
    if watch and as_json:
        raise CommandError("--watch --json: choose one of them")
    if watch:
        _watch(Settings.load())
        return
    listed = components(Settings.load(), now())
    if as_json:
        typer.echo(json.dumps([c.as_dict() for c in listed], indent=2))
    else:
        width = None if sys.stdout.isatty() else WIDE
        Console(width=width).print(_table(listed))
    if not all(c.running for c in listed):
        raise typer.Exit(1)


def _watch(settings: Settings) -> None:
    """Repeats until it is interrupted."""
    rates, since = Rates(), counted_since(now())
    with _until_interrupted() as interrupted, Live(refresh_per_second=2) as live:
        while not interrupted.is_set():
            listed = components(settings, now(), since)
            live.update(_table(listed, rates.add(time.monotonic(), _counts(listed))))
            interrupted.wait(WATCH_SECONDS)


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """Set by Ctrl-C, which as an exception may end up where nobody passes it on.

    A second Ctrl-C ends the program at once.
    """
    interrupted = threading.Event()

    def interrupt(number: int, _: FrameType | None) -> None:
        if interrupted.is_set():
            signal.default_int_handler(number, None)
        interrupted.set()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _counts(listed: list[Component]) -> list[tuple[str, Mapping[str, int]]]:
    return [(c.name, c.records) for c in listed]


def outputs(as_json: AsJson = False) -> None:
    """Show the URLs and the API key."""
    current = deployed.read()
    typer.echo(json.dumps(current.as_dict(), indent=2) if as_json else str(current))


def package() -> None:
    """Build the zip for Managed Flink: build/analytics.zip."""
    command = [sys.executable, "-m", "analytics_app.package"]
    ended = subprocess.run(command, cwd=Settings.load().root, check=False)
    raise typer.Exit(ended.returncode)


def parse_parameters(text: str, use_cases: str = "") -> dict[str, str]:
    """`A=B C=D` as a mapping, checked here rather than after minutes of work.

    `use_cases`, if given, are the parameter `useCases`; what this machine sets by itself counts as
    given. Raises CommandError for an invalid pair, ParameterError for an invalid value.
    """
    parameters = pairs("PARAMETERS", text.split())
    if use_cases.strip():
        if "useCases" in parameters:
            raise CommandError("PARAMETERS: useCases and --use-cases: give one of them")
        parameters["useCases"] = ",".join(use_cases.replace(",", " ").split())
    # Settings.parse checks the names of use cases and applications, and what they have.
    shared = {name for name in parameters if not (is_parameter(name) or is_scoped(name))}
    shared |= {name for name in parameters if "." not in name}
    if unknown := sorted(shared - deployment.names()):
        known = sorted(deployment.names())
        raise ParameterError(f"{unknown[0]}: unknown parameter; parameters: {known}")
    deployment.Settings.parse(platform.PARAMETERS | parameters)
    return parameters


_RATES = {IN: "in/s", OUT: "out/s", REFUSED: "refused/s"}
_TITLES = ("component", "state", "since", "MiB", "lag", *_RATES.values(), "detail", "log")


def _table(
    listed: list[Component], rates: Mapping[str, Mapping[str, float]] = MappingProxyType({})
) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in _TITLES:
        shown.add_column(title, overflow="fold", no_wrap=title == "since")
    for c in listed:
        state = c.state or ("[green]running[/]" if c.running else "[red]down[/]")
        lag = "" if c.lag_seconds is None else f"{c.lag_seconds:.1f} s"
        known = rates.get(c.name, c.per_second)
        rate = (f"{known[way]:,.1f}" if way in known else "" for way in _RATES)
        memory = "" if c.memory_mib is None else f"{c.memory_mib:,}"
        facts = (c.name, state, c.since or "", memory, lag, *rate)
        shown.add_row(*facts, cell(c.detail), cell(_logs(c)))
    return shown


def _logs(component: Component) -> str:
    return "\n".join(_short(path) for path in (component.log, component.output) if path)


def _short(path: str) -> str:
    """A path, relative to the working directory if it is inside."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
