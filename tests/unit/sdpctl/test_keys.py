"""What `./sdp keys` asks for and shows; `tests/emulator/test_keys.py` has what comes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from typer.testing import CliRunner

from sdpctl.cli import app
from sdpctl.commands import keys as command
from sdpctl.errors import CommandError
from sdpctl.keys import DEPLOYMENT, Limits, Sender

SENDERS = [
    Sender(DEPLOYMENT, "k1", False, ("ingestion", "reports"), None, None, None, ()),
    Sender("partner-a", "k2", True, ("ingestion",), 50.0, 100, 1_000_000, (7, 0, 1_234)),
]


class Recorded:
    """The senders of a deployment that are only remembered."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def senders(self, today: date) -> list[Sender]:
        return SENDERS

    def create(self, name: str, apis: Sequence[str], limits: Limits) -> str:
        self.calls.append((name, list(apis), limits))
        return "the-key"

    def value(self, name: str) -> str:
        return f"the key of {name}"

    def revoke(self, name: str) -> None:
        self.calls.append(("revoke", name))

    def restore(self) -> None:
        self.calls.append("restore")


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    recorded = Recorded()
    monkeypatch.setattr(command, "_keys", lambda region: recorded)
    return recorded


def run(*arguments: str) -> str:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app("keys"), ["keys", *arguments])
    if done.exception:
        raise done.exception
    return done.stdout


def test_a_key_is_for_ingestion_and_printed_alone(deployed: Recorded) -> None:
    assert run("create", "partner-a") == "the-key\n"
    assert deployed.calls == [("partner-a", ["ingestion"], Limits(100, 200, None))]


def test_what_it_may_call_and_its_limits_can_be_chosen(deployed: Recorded) -> None:
    options = ["--rate", "0.5", "--burst", "3", "--per-day", "10"]
    run("create", "p", "--api", "reports", "--api", "ingestion", "--api", "reports", *options)
    assert deployed.calls == [("p", ["reports", "ingestion"], Limits(0.5, 3, 10))]


@pytest.mark.parametrize("option", [("--rate", "0"), ("--per-day", "0"), ("--api", "all")])
def test_what_cannot_be_is_refused_before_anything_is_made(
    deployed: Recorded, option: tuple[str, str]
) -> None:
    with pytest.raises(SystemExit):
        run("create", "p", *option)
    with pytest.raises(CommandError, match="1 to 40 lower case letters"):
        run("create", "Partner A")
    assert deployed.calls == []


def test_the_list_shows_limits_and_requests_and_no_key(deployed: Recorded) -> None:
    shown = run("list")
    row = next(line for line in shown.splitlines() if line.startswith("partner-a"))
    assert row.split() == ["partner-a", "ingestion", "50", "100", "1,000,000", "1,234", "1,241"]
    assert "disabled" in next(line for line in shown.splitlines() if DEPLOYMENT in line)
    (_, partner) = json.loads(run("list", "--json"))
    assert (partner["requests_today"], partner["requests_30_days"]) == (1_234, 1_241)
    assert "value" not in partner


def test_revoking_says_what_undoes_it(deployed: Recorded) -> None:
    assert "./sdp keys restore deployment" in run("revoke", DEPLOYMENT)
    assert "./sdp keys create" in run("revoke", "partner-a")
    run("restore", DEPLOYMENT)
    assert deployed.calls == [("revoke", DEPLOYMENT), ("revoke", "partner-a"), "restore"]
    assert run("show", "partner-a") == "the key of partner-a\n"
