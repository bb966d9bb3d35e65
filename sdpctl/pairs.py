"""Options of the form NAME=VALUE."""

from __future__ import annotations

from collections.abc import Iterable

from sdpctl.errors import CommandError


def pairs(option: str, texts: Iterable[str]) -> dict[str, str]:
    """The values by name. Raises CommandError for a text without both, and for a repeated name."""
    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise CommandError(f"{option} {text!r}: must be NAME=VALUE")
        if name in values:
            raise CommandError(f"{option} {name}: is repeated; give it once")
        values[name] = value
    return values
