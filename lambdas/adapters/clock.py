"""The wall clock. Nothing else reads it: time is passed in."""

from datetime import UTC, datetime


def now() -> datetime:
    """This instant, UTC."""
    return datetime.now(UTC)
