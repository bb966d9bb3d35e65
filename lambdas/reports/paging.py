"""The `next` token: where the following page begins, and of which question.

It is opaque to callers, and refused where anything else of the question has changed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable

from lambdas.reports.questions import END

_UNKNOWN = "is not a token that `next` has returned"


class TokenError(ValueError):
    """The token is not one of this question's."""


def digest(question: Iterable[object]) -> bytes:
    """What ties a token to its question."""
    return hashlib.sha256(repr(tuple(question)).encode()).digest()[:12]


def encode(second: int, question: bytes) -> str:
    """The token of a page that begins (descending: ends before) that epoch second."""
    return base64.urlsafe_b64encode(question + second.to_bytes(8, "big", signed=True)).decode()


def decode(token: str, question: bytes) -> int:
    """The epoch second in a token of this question; TokenError otherwise."""
    try:
        data = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise TokenError(_UNKNOWN) from error
    if len(data) != 20:
        raise TokenError(_UNKNOWN)
    if data[:12] != question:
        raise TokenError("belongs to another question; repeat all other parameters as they were")
    second = int.from_bytes(data[12:], "big", signed=True)
    if not 0 <= second <= END:
        raise TokenError(_UNKNOWN)
    return second
