"""The commands by name. A command's module is imported only when the command runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module

import typer
from rich.console import Console

from glue import PlatformError

MODULES = {
    "up": "local",
    "down": "local",
    "clean": "local",
    "status": "local",
    "outputs": "local",
    "package": "local",
    "generate": "generate",
    "send": "send",
    "report": "report",
    "predict": "predict",
    "train": "train",
    "model": "model",
    "sql": "sql",
    "lake": "lake",
    "compact": "compact",
    "backfill": "backfill",
    "replay": "replay",
    "definitions": "definitions",
    "keys": "keys",
    "cost": "cost",
    "dead-letters": "dead_letters",
    "find": "find",
    "audit": "audit",
    "actions": "actions",
    "latency": "latency",
    "receiver": "receiver",
    "new-use-case": "new_use_case",
}


def app(only: str | None = None) -> typer.Typer:
    """The application with one command only, or with all of them if it is unknown."""
    names = [only] if only in MODULES else list(MODULES)
    application = typer.Typer(
        name="sdp", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )
    application.callback()(_about)
    for name in names:
        module = import_module(f"sdpctl.commands.{MODULES[name]}")
        command = getattr(module, name.replace("-", "_"))
        if isinstance(command, typer.Typer):
            application.add_typer(command, name=name)
        else:
            application.command(name)(command)
    return application


def _about() -> None:
    """Streaming Data Platform: send events over HTTP, read exact joins and counts in seconds."""


def main() -> None:
    """Run the command line."""
    application = app(sys.argv[1] if len(sys.argv) > 1 else None)
    _guarded(lambda: application(prog_name="./sdp"))


def run(command: Callable[..., None]) -> None:
    """Run one function as a command line of its own."""
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    application.command()(command)
    _guarded(application)


def _guarded(command: Callable[[], None]) -> None:
    """Shows errors for the user without a traceback."""
    try:
        command()
    except PlatformError as error:
        console = Console(stderr=True, highlight=False)
        console.print(str(error), style="red", markup=False, emoji=False, soft_wrap=True)
        sys.exit(1)
