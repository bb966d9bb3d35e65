"""Options of commands, as messages name them to people."""

from __future__ import annotations

LOCAL = "local"  # the place of a deployment on this machine; others are regions


def options_of(place: str, use_case: str) -> str:
    """The options by which a command finds a use case: its name, and its region unless local."""
    region = "" if place == LOCAL else f" --region {place}"
    return f"--use-case {use_case}{region}"
