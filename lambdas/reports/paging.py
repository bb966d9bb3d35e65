"""The `next` token: where the next page starts, and of which query.

It is opaque to callers, and refused if any other part of the query has changed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable

from lambdas.reports.questions import END

_UNKNOWN = "is not a token returned in `next`"


class TokenError(ValueError):
    """The token does not belong to this query."""


def digest(question: Iterable[object]) -> bytes:
    """A digest that ties a token to its query."""
    return hashlib.sha256(repr(tuple(question)).encode()).digest()[:12]


def encode(second: int, question: bytes) -> str:
    """The token of a page that starts at (descending: ends before) that epoch second."""
    return base64.urlsafe_b64encode(question + second.to_bytes(8, "big", signed=True)).decode()


def decode(token: str, question: bytes) -> int:
    """The epoch second in a token of this query. Raises TokenError otherwise."""
    try:
        data = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise TokenError(_UNKNOWN) from error
    if len(data) != 20:
        raise TokenError(_UNKNOWN)
    if data[:12] != question:
        raise TokenError("belongs to another query; repeat all other parameters unchanged")
    second = int.from_bytes(data[12:], "big", signed=True)
    if not 0 <= second <= END:
        raise TokenError(_UNKNOWN)
    return second
