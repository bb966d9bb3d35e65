"""The examples of docs/actions.md: the one that verifies, and the commands that it shows."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lambdas.adapters.clock import now
from lambdas.dispatch.signing import headers
from sdpctl.cli import app

PAGE = (Path(__file__).parents[4] / "docs" / "actions.md").read_text()
KEYS = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a2V5LW9mLTI0LWJ5dGVzLWlzLWhlcmUh")
BODY = '{"data":{"message":"ü"}}'


@pytest.fixture(scope="module")
def verified() -> Callable[..., bool]:
    """The function on the page."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  the page's own code is what is tested
    function: Callable[..., bool] = names["verified"]
    return function


def test_the_page_verifies_what_is_sent(verified: Callable[..., bool]) -> None:
    for keys in ([KEYS[0]], [KEYS[1]], [KEYS[1], KEYS[0]]):
        sent = headers(keys, "a-1", now(), BODY)
        assert [verified(key, sent, BODY.encode()) for key in KEYS] == [k in keys for k in KEYS]


def test_the_page_refuses_what_was_changed_or_is_old(verified: Callable[..., bool]) -> None:
    sent = headers([KEYS[0]], "a-1", now(), BODY)
    assert not verified(KEYS[0], sent, BODY.replace("ü", "u").encode())
    assert not verified(KEYS[0], {**sent, "webhook-id": "a-2"}, BODY.encode())
    old = headers([KEYS[0]], "a-1", now() - timedelta(minutes=6), BODY)
    assert not verified(KEYS[0], old, BODY.encode())


def test_every_command_on_the_page_exists() -> None:
    import typer.main

    group: Any = typer.main.get_command(app("actions"))
    actions = group.commands["actions"]
    shown = re.findall(r"\./sdp actions([^`\n#]*)", PAGE)
    assert len(shown) > 8
    for line in shown:
        words = line.split()
        owner = actions.commands[words.pop(0)] if words and words[0].isalpha() else actions
        known = {name for parameter in owner.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line
