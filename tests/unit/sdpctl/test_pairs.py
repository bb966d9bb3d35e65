"""NAME=VALUE on the command line: none is ignored because another has its name."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from sdpctl import deployment
from sdpctl.cli import app
from sdpctl.errors import CommandError
from sdpctl.pairs import pairs


def test_a_value_may_be_empty_and_may_have_an_equals_sign() -> None:
    assert pairs("--set", ["a=1", "b=", "c=x=y"]) == {"a": "1", "b": "", "c": "x=y"}


@pytest.mark.parametrize("text", ["a", "=1", ""])
def test_what_is_no_pair_is_refused_with_its_option(text: str) -> None:
    with pytest.raises(CommandError, match=f"^--set '{text}': must be NAME=VALUE$"):
        pairs("--set", ["b=1", text])


REPEATED = {
    "cost --assume batch=1 --assume batch=2": "--assume batch",
    "cost --set streamShards=1 --set streamShards=2": "--set streamShards",
    "sql --saved campaign_funnel --param from=1 --param from=2": "--param from",
    "train --set eta=1 --set eta=2": "--set eta",
    "up --parameters": "PARAMETERS AllowedLateness",
}


@pytest.mark.parametrize("line", REPEATED)
def test_every_command_refuses_a_name_that_is_repeated(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "client", lambda *_, **__: object())
    command, *options = line.split()
    if command == "up":
        options.append("AllowedLateness=PT1M AllowedLateness=PT2M")
    done: Any = CliRunner().invoke(app(command), [command, *options])
    assert isinstance(done.exception, CommandError), done.output
    assert str(done.exception) == f"{REPEATED[line]}: is repeated; give it once"
