"""The `next` token of a list: where the next page starts, and of which query.

It is opaque to callers, and refused if any other part of the query has changed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from lambdas.http.queries import BadParameter


def encode(position: Sequence[str], question: Iterable[object]) -> str:
    """The token of the page that starts after a position, which is some text."""
    document = json.dumps([_digest(question), *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def decode(token: str, question: Iterable[object], parts: int) -> list[str]:
    """The position, of that many parts. Raises BadParameter for another query's token."""
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        digest, *position = json.loads(text)
    except (ValueError, TypeError, binascii.Error):
        raise _unknown() from None
    if digest != _digest(question):
        raise BadParameter(
            "next", "belongs to another query; repeat all other parameters unchanged"
        )
    if len(position) != parts or not all(isinstance(part, str) for part in position):
        raise _unknown()
    return [*position]


def time(part: str, parse: Callable[[str], datetime]) -> datetime:
    """The time that a part of a position is, as `parse` reads it. Raises BadParameter."""
    try:
        return parse(part)
    except ValueError:
        raise _unknown() from None


def _unknown() -> BadParameter:
    return BadParameter("next", "is not a token returned in `next`")


def _digest(question: Iterable[object]) -> str:
    return hashlib.sha256(repr(tuple(question)).encode()).hexdigest()[:16]
