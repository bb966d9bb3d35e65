"""`./sdp dead-letters replay` ends with what is left to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import typer

from lambdas.ports.replays import Replay, State
from lambdas.replaying import Sent
from sdpctl.commands.dead_letters import Done, _check
from sdpctl.errors import CommandError


def done(state: State, error: str = "") -> Done:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return "u", "l", Sent(Replay("u", "l", b"{}", state, at, error), sent=True)


def test_what_was_accepted_is_a_success() -> None:
    _check([], 0)
    _check([done(State.ACCEPTED)] * 2, 2)


def test_an_api_that_does_not_answer_is_an_error_with_what_is_left() -> None:
    sent = [done(State.ACCEPTED), done(State.UNKNOWN, "timed out")]
    with pytest.raises(CommandError, match=r"timed out; run it again: 4 of 5 letters are left"):
        _check(sent, 5)


@pytest.mark.parametrize("state", [State.REJECTED, State.SENDING])
def test_a_letter_that_was_not_accepted_is_no_success(state: State) -> None:
    with pytest.raises(typer.Exit):
        _check([done(state), done(State.ACCEPTED)], 2)
