"""Texts with placeholders, `{{ CEL }}`: found when a template is written, filled with results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import isfinite
from typing import Any, NamedTuple

from glue.instants import to_wire
from lambdas.definitions.cel import EvaluationError, ExpressionError

RESULTS = ("string", "int", "double", "timestamp")
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


class Placeholder(NamedTuple):
    """The expression, without blanks at its ends, and where it begins in the text."""

    text: str
    start: int


def placeholders(text: str) -> Iterator[Placeholder]:
    """Each placeholder in order. Raises ExpressionError for braces that are none."""
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        _check_braces(text, end, match.start())
        inner = match[1]
        yield Placeholder(inner.strip(), match.start(1) + len(inner) - len(inner.lstrip()))
        end = match.end()
    _check_braces(text, end, len(text))


def _check_braces(text: str, start: int, end: int) -> None:
    for braces in ("{{", "}}"):
        at = text.find(braces, start, end)
        if at >= 0:
            raise ExpressionError("these braces are no placeholder; write {{ expression }}", at)


def fill(text: str, value_of: Callable[[str], Any]) -> str:
    """The text with each placeholder replaced by its value, formatted by its type."""
    return _PLACEHOLDER.sub(lambda match: formatted(value_of(match[1].strip())), text)


def formatted(value: Any) -> str:
    """A double has two decimals; an instant is RFC 3339 in UTC.

    Raises EvaluationError for infinity and NaN.
    """
    match value:
        case float():
            if not isfinite(value):
                raise EvaluationError(f"{value} cannot be written as a number")
            text = f"{value:.2f}"  # rounded half to even, from the exact value
            return "0.00" if text == "-0.00" else text
        case datetime():
            return to_wire(value.astimezone(UTC))
        case _:
            return str(value)
