"""What `./sdp audit` refuses, and what it says of a minute."""

from datetime import UTC, datetime

import pytest
from rich.console import Console
from typer.testing import CliRunner

from lambdas.balance import Minute
from sdpctl.cli import app
from sdpctl.commands import audit
from sdpctl.errors import CommandError

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "yesterday"], "--from yesterday: "),
        (["--to", "2026-03-01T10:00:00"], "--to 2026-03-01T10:00:00: "),
        (
            ["--from", "2026-03-02T00:00:00Z", "--to", "2026-03-01T00:00:00Z"],
            "must be before --to, 2026-03-01T00:00:00.000Z",
        ),
    ],
)
def test_a_time_that_cannot_be_is_refused_by_its_option(options: list[str], said: str) -> None:
    done = CliRunner().invoke(app("audit"), ["audit", *options])
    assert isinstance(done.exception, CommandError)
    assert said in str(done.exception)


@pytest.mark.parametrize(
    ("missing", "excess", "is_closed", "state"),
    [(3, 0, True, "3 missing"), (0, 2, False, "2 too many"), (0, 0, True, "closed")],
)
def test_the_state_says_what_is_wrong(
    missing: int, excess: int, is_closed: bool, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Console(record=True, width=200)
    monkeypatch.setattr(audit, "console", lambda: screen)
    minute = Minute(
        use_case="adtech",
        minute=AT,
        ok=5,
        refused=0,
        unknown=0,
        outcomes=dict.fromkeys(audit.SHOWN, 0),
        redelivered=0,
        unread=0,
        waiting=0,
        is_closed=is_closed,
        missing=missing,
        excess=excess,
    )
    audit._show([minute])
    text = screen.export_text()
    assert "2026-03-01T10:00Z" in text
    assert state in text
