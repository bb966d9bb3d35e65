"""The only module of the command line that reads the wall clock and waits."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The current time, UTC."""
    return datetime.now(UTC)


def pause(seconds: float) -> None:
    """Wait between two looks at a condition."""
    time.sleep(seconds)
