"""The ledger's door side: what was accepted in each minute of receipt, and what may have been.

An item belongs to one use case, one minute and one instance of the ingest function, which alone
writes it and always writes it whole, with the number of its revision. So a write that is repeated,
or that arrives after a later one, changes nothing; one that was missed is made good by the next.
Where the door reads a stream of messages, of which a batch may be delivered again to any instance,
the item belongs to the batch instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from zlib import crc32

LEDGER = "ledger"
SHARDS = 8
"""Partitions of a use case's door items: DynamoDB takes 1,000 writes a second for each."""
BATCH = "batch"
MINUTE = timedelta(minutes=1)
KEPT = timedelta(days=35)
"""After this time DynamoDB removes an item."""


@dataclass
class Receipts:
    """Records of one use case that one instance received in one minute.

    `ok` are stored, `refused` are not; `unknown` may be stored: the call that should have stored
    them was not answered. `pending` are in a call whose result is not written yet; if the instance
    has ended in that call, they are as good as unknown.
    """

    use_case: str
    minute: datetime
    instance: str
    ok: int = 0
    refused: int = 0
    unknown: int = 0
    pending: int = 0
    revision: int = 0


class Batch(NamedTuple):
    """Neighbouring messages of a shard, by their first and last sequence number."""

    shard: str
    first: int
    last: int

    @property
    def instance(self) -> str:
        """What an item has instead of an instance of the function."""
        return ":".join((BATCH, self.shard, str(self.first), str(self.last)))

    @classmethod
    def of(cls, instance: str) -> Batch | None:
        """The batch that an item belongs to, if it belongs to one."""
        kind, _, rest = instance.partition(":")
        if kind != BATCH:
            return None
        shard, first, last = rest.rsplit(":", 2)
        return cls(shard, int(first), int(last))


class ReceiptStore(Protocol):
    """Where receipts are stored."""

    def put(self, receipts: Receipts) -> None:
        """Replaces the item of these receipts, unless it has this revision or a later one.

        Raises StoreUnavailable.
        """


def minute_of(at: datetime) -> datetime:
    """The start of the minute."""
    return at.replace(second=0, microsecond=0)


def door_partition(use_case: str, shard: int) -> str:
    """The partition key of door items."""
    return f"{use_case}#door#{shard}"


def stream_partition(use_case: str) -> str:
    """The partition key of the items that count outcomes."""
    return f"{use_case}#stream"


def shard_of(instance: str) -> int:
    """The shard of an instance's items."""
    return crc32(instance.encode()) % SHARDS


def minute_key(minute: datetime) -> str:
    """How the sort key of an item begins: ordered by time."""
    return f"{minute:%Y-%m-%dT%H:%MZ}"


def expires_at(minute: datetime) -> int:
    """When an item may be removed, in epoch seconds."""
    return int((minute + KEPT).timestamp())
