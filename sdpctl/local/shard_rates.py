"""What a shard of Kinesis takes and serves in a second. Pure: the time is an argument.

Writes: 1,000 records and 1 MiB, with their keys. Reads: 5 calls and 2 MiB, of all readers together.

https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WRITE_RECORDS, WRITE_BYTES = 1_000, 1024 * 1024
READ_CALLS, READ_BYTES = 5, 2 * 1024 * 1024


@dataclass
class Allowance:
    """So much in a second, and no more saved up than that; overdrawn by the last that is taken."""

    per_second: float
    left: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.per_second

    def is_there(self, now: float) -> bool:
        """Whether anything can be taken."""
        passed = max(0.0, now - self.at)
        self.left, self.at = min(self.per_second, self.left + passed * self.per_second), now
        return self.left > 0

    def take(self, amount: float) -> None:
        """What is too much is waited for afterwards."""
        self.left -= amount


@dataclass
class Shard:
    """One shard; `now` is in seconds and does not go back."""

    records: Allowance = field(default_factory=lambda: Allowance(WRITE_RECORDS))
    written: Allowance = field(default_factory=lambda: Allowance(WRITE_BYTES))
    served: Allowance = field(default_factory=lambda: Allowance(READ_BYTES))
    calls: deque[float] = field(default_factory=deque)

    def takes(self, size: int, now: float) -> bool:
        """Whether a record of this size is stored."""
        if not (self.records.is_there(now) and self.written.is_there(now)):
            return False
        self.records.take(1)
        self.written.take(size)
        return True

    def may_read(self, now: float, *, any_bytes: bool) -> bool:
        """Whether a read is answered; `any_bytes` leaves out what was served before."""
        while self.calls and self.calls[0] <= now - 1:
            self.calls.popleft()
        if len(self.calls) >= READ_CALLS or not (any_bytes or self.served.is_there(now)):
            return False
        self.calls.append(now)
        return True

    def serve(self, size: int) -> None:
        """Record the size of a read's response."""
        self.served.take(size)
