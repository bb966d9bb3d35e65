"""The port to a stream of records: what ingestion and the other functions need of Kinesis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """A record to put: its partition key and bytes; `hash_key` overrides the choice of shard.

    JSON ends with a newline, because Firehose concatenates the original records.
    """

    key: str
    data: bytes
    hash_key: str | None = None


class Unconfirmed(str):
    """The reason why a record is not known to be stored: a call that was not answered may have."""

    __slots__ = ()


class Stream(Protocol):
    """Stores records durably."""

    def put(self, stream: str, entries: Sequence[Entry]) -> list[str | None]:
        """Store entries. Returns, per entry, None or the reason why all retries failed.

        The reason is `Unconfirmed` if the entry may be stored all the same.
        """
        ...
