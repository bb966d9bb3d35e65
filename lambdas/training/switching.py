"""Promote and roll back by hand, under the same lock as a run: the two never interleave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from lambdas.training.ports import Ledger
from lambdas.training.releasing import Release, ReleaseError

LOCK_SECONDS = 300  # a switch takes less than its function's timeout of two minutes


def switch(
    release: Release,
    ledger: Ledger,
    holder: str,
    clock: Callable[[], datetime],
    *,
    version: str | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Put a registered version in service (None: the one before the champion).

    Raises ReleaseError while a run or another switch has the lock, and where `Release` does.
    """
    with locked(ledger, holder, clock):
        return release.switch(version or release.former(), clock(), force=force)


@contextmanager
def locked(ledger: Ledger, holder: str, clock: Callable[[], datetime]) -> Iterator[None]:
    """Hold the lock; ReleaseError names the holder where another has it."""
    second = int(clock().timestamp())
    if not ledger.acquire(holder, second, second + LOCK_SECONDS):
        other = ledger.holder(second) or "another"
        raise ReleaseError(
            f"{other} has the lock of this model: it may be putting a version in service; "
            "try again when it has ended"
        )
    try:
        yield
    finally:
        ledger.release(holder)
