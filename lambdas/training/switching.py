"""Manual promotion and rollback, under the same lock as a run's release."""

from __future__ import annotations

from typing import Any

from lambdas.training.locking import EndpointLock
from lambdas.training.releasing import Release


def switch(
    release: Release, lock: EndpointLock, *, version: str | None = None, force: bool = False
) -> dict[str, Any]:
    """Put a registered version in service (None: the one before the champion).

    Raises ReleaseError while a run's release or another switch has the lock, and when `Release`
    does. A run that prepares, trains or evaluates does not hold it.
    """
    with lock.held():
        return release.switch(version or release.former(), lock.clock(), force=force)
