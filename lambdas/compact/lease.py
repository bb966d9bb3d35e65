"""One run per hour at a time: a lease is an object that only one writer can create.

It expires, so that a killed holder does not block others for long. It is longer than the
function's timeout, so a holder whose lease was taken over has certainly ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import orjson

from glue import instants
from lambdas.lakestore.objects import Objects

LENGTH = timedelta(minutes=16)
MARGIN = timedelta(seconds=30)


@dataclass(frozen=True)
class Lease:
    """The right to change one hour until `until`."""

    key: str
    until: datetime

    def holds(self, now: datetime) -> bool:
        """Whether there is time left for another step."""
        return now < self.until - MARGIN


class Leases:
    """Leases in the lake's bucket. `clock` returns the time, UTC."""

    def __init__(
        self, objects: Objects, clock: Callable[[], datetime], length: timedelta = LENGTH
    ) -> None:
        self._objects, self._clock, self._length = objects, clock, length

    def take(self, key: str) -> Lease | None:
        """The lease, or None while another run has it."""
        now = self._clock()
        lease = Lease(key, now + self._length)
        held = self._objects.read(key)
        if held is not None and now < _until(held[0]):
            return None
        content = {"holder": str(uuid4()), "until": instants.to_wire(lease.until)}
        replacing = held[1] if held is not None else None
        got = self._objects.create(key, orjson.dumps(content), replacing)
        return lease if got is not None else None

    def release(self, lease: Lease) -> None:
        """Release it. An expired lease stays: another run may have it by now."""
        if lease.holds(self._clock()):
            self._objects.delete([lease.key])


def _until(content: bytes) -> datetime:
    return instants.parse(orjson.loads(content)["until"])
