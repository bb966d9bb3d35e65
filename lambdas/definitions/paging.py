"""Tokens of the next page: where the last one ended, usable for the same list only."""

from __future__ import annotations

import base64
import binascii
import zlib

from lambdas.http.queries import BadParameter


def encode(position: str, scope: str) -> str:
    """The token of a position in a list."""
    check = zlib.crc32(f"{scope}\n{position}".encode())
    return base64.urlsafe_b64encode(f"{check:08x}{position}".encode()).decode().rstrip("=")


def decode(token: str | None, scope: str) -> str:
    """The position; empty for the first page. Raises BadParameter for another list's token."""
    if token is None:
        return ""
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        check, position = int(text[:8], 16), text[8:]
    except (ValueError, binascii.Error):
        check, position = -1, ""
    if check != zlib.crc32(f"{scope}\n{position}".encode()) or not position:
        raise BadParameter("next", "is not the `next` of this list's previous page")
    return position
