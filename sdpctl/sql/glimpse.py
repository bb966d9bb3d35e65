"""The beginning of a record, for a line of a table."""

from __future__ import annotations

_SHOWN = 60


def glimpse(data: bytes | None) -> str:
    """The first bytes as text, in one line."""
    if data is None:
        return ""
    text = data[: 4 * _SHOWN].decode("utf-8", "backslashreplace").strip()
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
