"""`./sdp up | down | clean | status | outputs | package`: the platform on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from glue.errors import ParameterError
from infra import settings as deployment
from sdpctl import outputs as deployed
from sdpctl.clock import now
from sdpctl.errors import CommandError
from sdpctl.local import platform
from sdpctl.local.processes import pause
from sdpctl.local.status import Component, Rates, components
from sdpctl.settings import Settings
from sdpctl.sql.rows import cell

WATCH_SECONDS = 2.0
WIDE = 160  # columns of a table in a pipe
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def up(
    parameters: Annotated[
        str, typer.Option(help="Deployment parameters: 'Name=value Name=value'.")
    ] = "",
) -> None:
    """Start the platform, or update it in place, keeping all data."""
    platform.up(Settings.load(), parse_parameters(parameters), platform.Steps())


def down() -> None:
    """Stop the platform, keeping its data."""
    platform.down(Settings.load(), platform.Steps())


def clean() -> None:
    """Stop the platform and remove its data."""
    platform.clean(Settings.load(), platform.Steps())


def status(
    as_json: AsJson = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Repeat, with records per second.")
    ] = False,
) -> None:
    """Show each component: status, since when, lag, log. Exits with 1 if one is down.

    The lag of Flink is how far event time is behind the heartbeats: near zero if all is read.
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
    rates = Rates()
    with suppress(KeyboardInterrupt), Live(refresh_per_second=2) as live:
        while True:
            listed = components(settings, now())
            live.update(_table(listed, rates.add(time.monotonic(), listed)))
            pause(WATCH_SECONDS)


def outputs(as_json: AsJson = False) -> None:
    """Show the URLs and the API key."""
    current = deployed.read()
    typer.echo(json.dumps(current.as_dict(), indent=2) if as_json else str(current))


def package() -> None:
    """Build the zip for Managed Flink: build/analytics.zip."""
    command = [sys.executable, "-m", "analytics_app.package"]
    ended = subprocess.run(command, cwd=Settings.load().root, check=False)
    raise typer.Exit(ended.returncode)


def parse_parameters(text: str) -> dict[str, str]:
    """`A=B C=D` as a mapping, checked here rather than after minutes of work.

    Raises CommandError for an invalid pair, ParameterError for an invalid value.
    """
    pairs = [part.partition("=") for part in text.split()]
    wrong = [name for name, equals, _ in pairs if not (name and equals)]
    if wrong:
        raise CommandError(f"PARAMETERS: {wrong[0]!r}: must be Name=value")
    parameters = {name: value for name, _, value in pairs}
    if len(parameters) < len(pairs):
        raise CommandError("PARAMETERS: a name is repeated")
    if unknown := sorted(parameters.keys() - deployment.names()):
        known = sorted(deployment.names())
        raise ParameterError(f"{unknown[0]}: unknown parameter; parameters: {known}")
    deployment.Settings.parse(parameters)
    return parameters


def _table(listed: list[Component], rates: Mapping[str, float] | None = None) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in ("component", "state", "since", "lag", "records/s", "detail", "log"):
        if title != "records/s" or rates is not None:
            shown.add_column(title, overflow="fold", no_wrap=title == "since")
    for c in listed:
        state = "[green]running[/]" if c.running else "[red]down[/]"
        lag = "" if c.lag_seconds is None else f"{c.lag_seconds:.1f} s"
        rate = [] if rates is None else [f"{rates[c.name]:,.1f}" if c.name in rates else ""]
        shown.add_row(c.name, state, c.since or "", lag, *rate, cell(c.detail), cell(_short(c.log)))
    return shown


def _short(path: str) -> str:
    """A path, relative to the working directory if it is inside."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
