"""The port to a stream of records: what ingestion and the other functions need of Kinesis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """A record to put: its partition key, its bytes; `hash_key` picks the shard instead.

    JSON ends with a line's end: Firehose puts the originals behind each other as they are.
    """

    key: str
    data: bytes
    hash_key: str | None = None


class Stream(Protocol):
    """Stores records durably."""

    def put(self, stream: str, entries: Sequence[Entry]) -> list[str | None]:
        """Store entries; per entry None, or the reason why it is not stored after all retries."""
        ...
