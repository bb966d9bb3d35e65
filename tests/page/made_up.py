"""Answers in the place of the API's, for what no platform of the tests has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route


def deploy(page: Page, **declared: Any) -> None:
    """A use case that declares what a test needs; answers about it are made up."""
    use_case = {
        "name": "shopping",
        "doc": "",
        **dict.fromkeys(("reports", "definitions", "kinds", "series"), ()),
        **dict.fromkeys(("model", "actions", "decisions", "ledger"), False),
        **declared,
    }
    page.route("**/catalog", answers({"use_cases": [use_case]}))
    page.reload()


def answers(answer: Any) -> Callable[[Route], None]:
    """The same answer, always."""
    return lambda route: route.fulfill(json=answer)
