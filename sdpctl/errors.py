"""Errors of the command line: shown as one message, without a traceback."""

from __future__ import annotations

from glue.errors import PlatformError


class CommandError(PlatformError):
    """A command failed; the message has the reason and what to do."""


def overloaded(url: str, seconds: float) -> CommandError:
    """The server accepts connections but does not respond."""
    return CommandError(
        f"{url} is overloaded: no response within {seconds:g} s; try again at a lower rate"
    )


def refused(url: str) -> CommandError:
    """No server accepts connections, or not yet."""
    return CommandError(f"cannot connect to {url}: it is starting, or it has stopped")
