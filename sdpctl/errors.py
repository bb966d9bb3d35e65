"""Errors of the command line: shown as one message, without a traceback."""

from __future__ import annotations

from glue.errors import PlatformError


class CommandError(PlatformError):
    """A command cannot do what it was asked to; the message says why and what to do."""
