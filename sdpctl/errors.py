"""Errors of the command line: shown as one message, without a traceback."""

from __future__ import annotations

from glue.errors import PlatformError


class CommandError(PlatformError):
    """A command failed; the message has the reason and what to do."""
