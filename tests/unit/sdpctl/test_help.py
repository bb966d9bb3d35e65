"""`--help` of every command: what it does, and what each of its arguments means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from sdpctl.cli import app


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command and group by its words."""
    yield name, command
    for child, below in getattr(command, "commands", {}).items():
        yield from _commands(f"{name} {child}".strip(), below)


COMMANDS = dict(_commands("", typer.main.get_command(app())))


@pytest.mark.parametrize("words", COMMANDS)
def test_help_names_every_argument_with_its_meaning(words: str) -> None:
    shown = CliRunner().invoke(app(), [*words.split(), "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    command = COMMANDS[words]
    first, *_ = command.help.strip().splitlines()
    assert first in shown.output
    for parameter in command.params:
        assert parameter.help, parameter.name
        names = parameter.opts if parameter.param_type_name == "option" else []
        assert all(name in shown.output for name in names)


@pytest.mark.parametrize(
    ("words", "options"),
    {
        "send": ["--rejected"],
        "dead-letters": ["--event-id", "--key"],
        "find": ["--days"],
        "status": ["--watch"],
        "model show": ["--json"],
        "sql": ["--vertical"],
    }.items(),
)
def test_a_command_has_the_options_that_the_pages_name(words: str, options: list[str]) -> None:
    declared = {name for parameter in COMMANDS[words].params for name in parameter.opts}
    assert set(options) <= declared
