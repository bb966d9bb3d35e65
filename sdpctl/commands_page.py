"""docs/commands.md: every command of `./sdp`, with the arguments and options it declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer.main

from sdpctl.cli import app
from sdpctl.settings import ROOT

_TARGET = re.compile(r"^([a-z-]+):.*## (.*)")

_HEAD = """# Commands
Rendered from `sdpctl/commands`; do not edit: run `python -m sdpctl.generated`.

`./sdp COMMAND --help` shows the same. Without `--region` a command uses the platform on this
machine; with it, the deployment in that AWS region.
"""


def page() -> str:
    """The page's text."""
    sections = _section("./sdp", typer.main.get_command(app()))
    return "".join([_HEAD, *_make_targets(), *sections])


def _make_targets() -> Iterator[str]:
    """The targets that `make help` lists."""
    yield "\n## make\n| target | does |\n|---|---|\n"
    for line in (ROOT / "Makefile").read_text("utf-8").splitlines():
        if match := _TARGET.match(line):
            yield f"| `make {match[1]}` | {match[2]} |\n"


def _section(name: str, group: Any, level: str = "##") -> Iterator[str]:
    for child, command in group.commands.items():
        yield "".join(_command(level, f"{name} {child}", command))
        if getattr(command, "commands", None):
            yield from _section(f"{name} {child}", command, "###")


def _command(level: str, name: str, command: Any) -> Iterator[str]:
    arguments = [p.metavar or p.name.upper().strip("_") for p in command.params if _positional(p)]
    yield f"\n{level} {' '.join([name, *arguments])}\n{command.help}\n"
    if command.params:
        yield "\n| argument | meaning |\n|---|---|\n"
        yield from map(_row, command.params)


def _row(parameter: Any) -> str:
    names = [parameter.metavar or parameter.name.upper().strip("_")]
    if not _positional(parameter):
        names = [*parameter.opts, *parameter.secondary_opts]
    return f"| {', '.join(f'`{n}`' for n in names)} | {_text(parameter).replace('|', '/')} |\n"


def _text(parameter: Any) -> str:
    """The help text, with what `--help` adds to it: the default, or that a value is required."""
    text = parameter.help or ""
    if parameter.required:
        return f"{text} Required."
    if parameter.default in (None, False, "") or "[default:" in text:
        return text
    return f"{text} [default: {parameter.default}]"


def _positional(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")
