r"""Texts as a graph has them: in a form of which UTF-8 is the same wherever it is made.

Java hands texts to native code in a UTF-8 of its own: a NUL takes two bytes there, and a character
beyond U+FFFF is two surrogates. So both are escaped, each unit of UTF-16 as `\uXXXX`, and a
backslash as two. sdp.scores.Texts does the same.
"""

from __future__ import annotations

import re

_ESCAPED = re.compile("[\0\\\\\ud800-\udfff\U00010000-\U0010ffff]")


def escaped(text: str) -> str:
    """The text without NULs, surrogates and characters beyond U+FFFF."""
    return _ESCAPED.sub(lambda match: _escape(match[0]), text)


def _escape(character: str) -> str:
    if character == "\\":
        return "\\\\"
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
