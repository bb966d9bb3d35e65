"""What `./sdp sql` refuses before it calls Athena, and its message for an unknown table."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

import usecases
from sdpctl import deployment
from sdpctl.cli import app
from sdpctl.commands.sql import with_tables
from sdpctl.errors import CommandError

ADTECH = usecases.load().use_case("adtech")


@pytest.fixture(autouse=True)
def no_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that can do nothing: whoever gets past the refusals fails."""
    monkeypatch.setattr(deployment, "client", lambda *_, **__: object())
    monkeypatch.setattr(deployment, "outputs", lambda *_: {"UseCases": "adtech"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["SELECT 1", "--json", "--csv"], r"^choose either --json or --csv"),
        (["DROP TABLE parquet_bcns"], r"^'DROP': .* 'make up'"),
        (["SELECT 1; DROP TABLE parquet_bcns"], r"^only one statement at a time"),
        ([""], r"^the statement is empty"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments: list[str], said: str) -> None:
    done: Any = CliRunner().invoke(app("sql"), ["sql", *arguments])
    assert isinstance(done.exception, CommandError)
    with pytest.raises(CommandError, match=said):
        raise done.exception


@pytest.mark.parametrize(
    "reason",
    [
        "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.sdp_adtech.nope' does not exist",
        'Catalog Error: Table with name nope does not exist!\nDid you mean "pg_enum"?\n\nLINE 1: …',
    ],
)
def test_an_unknown_table_is_answered_with_the_lakes_tables(reason: str) -> None:
    said = with_tables(reason, ADTECH)
    assert "nope" in said
    assert "pg_enum" not in said
    assert said.splitlines()[-1].startswith("tables: parquet_bcns, raw_bcns, ")


def test_another_reason_is_left_as_it_is() -> None:
    reason = 'Binder Error: Referenced column "x" not found'
    assert with_tables(reason, ADTECH) == reason
