"""What `./sdp dead-letters` refuses before it calls Athena."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from glue.deadletter import REASONS
from sdpctl.cli import app
from sdpctl.commands.dead_letters import letter
from sdpctl.errors import CommandError


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        (
            "--reason",
            "nope",
            (
                "'nope': unknown; choose from malformed, late, duplicate, unmatched, refused, "
                "filtered, undelivered"
            ),
        ),
        ("--stage", "nope", "'nope': unknown; choose from ingest, flink, persist, lake, dispatch"),
        ("--days", "999999999", "999999999: must be 1 to 3650"),
        ("--days", "0", "0: must be 1 to 3650"),
    ],
)
def test_what_cannot_be_is_refused_with_the_choices(option: str, value: str, said: str) -> None:
    done = CliRunner().invoke(app("dead-letters"), ["dead-letters", option, value])
    assert isinstance(done.exception, CommandError)
    assert str(done.exception) == f"{option} {said}"


def test_the_pipelines_reasons_are_among_the_choices() -> None:
    """Functions' reasons are held to them by their type, the pipeline's are the operator's."""
    outcomes = Path("analytics_app/jvm/src/main/java/sdp/correlate/Outcome.java").read_text()
    written = {n.lower() for n in re.findall(r"^  ([A-Z]+)[,;]", outcomes, re.M)}
    assert written - {"matched", "closed"} == {"duplicate", "late", "unmatched", "malformed"}
    assert written - {"matched", "closed"} <= set(REASONS)
    refusals = Path("analytics_app/jvm/src/main/java/sdp/patterns/Refusal.java").read_text()
    assert {n.lower() for n in re.findall(r"^  ([A-Z]+)[,;]", refusals, re.M)} <= set(REASONS)


def test_a_letter_is_shown_with_its_record_as_it_was_sent() -> None:
    payload = base64.b64encode(b'{"tx_id":"t1","win_price":-1}\n').decode()
    row = {"id": "s0:1:late", "reason": "late", "field": None, "payload": payload, "encoding": None}
    screen = Console(record=True, width=80)
    screen.print(letter(row))
    lines = [line.split(maxsplit=1) for line in screen.export_text().splitlines()]
    assert [[name, value.rstrip()] for name, value in lines] == [
        ["id", "s0:1:late"],
        ["reason", "late"],
        ["record", '{"tx_id":"t1","win_price":-1}'],
    ]
