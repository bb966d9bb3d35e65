"""The only module of the command line that reads the wall clock."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, UTC."""
    return datetime.now(UTC)
