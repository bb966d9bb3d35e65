"""Reads a stream's shards: each record once, closed shards too, at a rate that leaves others room.

A shard serves five reads and 2 MB a second to all its readers together. A replay takes one read and
at most 1 MB of them: the job and the delivery to the lake go on.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from sdpctl.errors import CommandError

PAGE_BYTES = 1_000_000
FIRST_PAGE, LARGEST_PAGE = 1_000, 10_000  # records
PACE_SECONDS = 1.0
LONGEST_PAUSE = 8.0
PATIENCE_SECONDS = 300.0
_BUSY = {
    "ProvisionedThroughputExceededException",
    "LimitExceededException",
    "KMSThrottlingException",
    "ThrottlingException",
    "InternalFailure",
    "ServiceUnavailable",
}
_EXPIRED = "ExpiredIteratorException"
_GONE = "ResourceNotFoundException"


class Record(NamedTuple):
    """A record of a shard, and when the stream had it."""

    sequence_number: str
    arrived: datetime
    data: bytes


@dataclass(frozen=True)
class Shard:
    """A shard, closed or not, and those of its parents that the stream still lists."""

    id: str
    parents: tuple[str, ...]
    closed: bool


def shards(kinesis: Any, stream: str) -> list[Shard]:
    """All shards that the stream lists, parents before their children, else by id."""
    listed = {shard["ShardId"]: shard for shard in _listed(kinesis, stream)}
    found = {name: _shard(listed[name], listed.keys()) for name in sorted(listed)}
    order = TopologicalSorter({shard.id: shard.parents for shard in found.values()})
    return [found[name] for name in order.static_order()]


def _listed(kinesis: Any, stream: str) -> Iterator[dict[str, Any]]:
    request = {"StreamName": stream}
    while request:
        answer = kinesis.list_shards(**request)
        yield from answer["Shards"]
        token = answer.get("NextToken")
        request = {"NextToken": token} if token else {}


def _shard(listed: dict[str, Any], names: Container[str]) -> Shard:
    parents = (str(listed.get(kind)) for kind in ("ParentShardId", "AdjacentParentShardId"))
    closed = "EndingSequenceNumber" in listed["SequenceNumberRange"]
    return Shard(listed["ShardId"], tuple(p for p in parents if p in names), closed)


class Retained(NamedTuple):
    """Since when a stream has its records, and since when there is the stream."""

    since: datetime
    created: datetime


def retained(kinesis: Any, stream: str, now: datetime) -> Retained:
    """What a stream still has."""
    answer = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    kept = timedelta(hours=answer["RetentionPeriodHours"])
    return Retained(now - kept, answer["StreamCreationTimestamp"].astimezone(UTC))


@dataclass(frozen=True)
class Reader:
    """Reads one stream. `pause` waits that many seconds, or raises to end all reading."""

    kinesis: Any
    stream: str
    pause: Callable[[float], None]

    def read(self, shard: Shard, start: datetime, end: datetime) -> Iterator[Record]:
        """The records of a shard that arrived in [start, end), each once; `end` has passed.

        Raises CommandError if the shard serves nothing for five minutes.
        """
        for page in self._pages(shard, start):
            for record in page:
                if record["ApproximateArrivalTimestamp"] >= end:
                    return
                yield _record(record)

    def _pages(self, shard: Shard, start: datetime) -> Iterator[list[dict[str, Any]]]:
        """To the end of a closed shard, or to what an open one has now."""
        position: dict[str, Any] = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": start}
        iterator, limit = self._iterator(shard, position), FIRST_PAGE
        while iterator:
            page = self._page(shard, iterator, limit)
            if page is None:  # the iterator has expired: it is valid for five minutes
                iterator = self._iterator(shard, position)
                continue
            if records := page["Records"]:
                yield records
                position, limit = _after(records[-1]), _limit(records)
            if not shard.closed and not page.get("MillisBehindLatest"):
                return
            iterator = page.get("NextShardIterator")
            if iterator:
                self.pause(PACE_SECONDS)

    def _iterator(self, shard: Shard, position: dict[str, Any]) -> str | None:
        """None for a closed shard whose records have all expired."""
        request = {"StreamName": self.stream, "ShardId": shard.id, **position}
        waited = 0.0
        while True:
            try:
                found: str = self.kinesis.get_shard_iterator(**request)["ShardIterator"]
            except ClientError as error:
                if _code(error) == _GONE and shard.closed:
                    return None
                waited = self._back_off(shard, error, waited)
            else:
                return found

    def _page(self, shard: Shard, iterator: str, limit: int) -> dict[str, Any] | None:
        waited = 0.0
        while True:
            try:
                page: dict[str, Any] = self.kinesis.get_records(ShardIterator=iterator, Limit=limit)
            except ClientError as error:
                if _code(error) == _EXPIRED:
                    return None
                waited = self._back_off(shard, error, waited)
            else:
                return page

    def _back_off(self, shard: Shard, error: ClientError, waited: float) -> float:
        """Wait longer each time. Returns the seconds waited so far."""
        if _code(error) not in _BUSY:
            raise error
        if waited >= PATIENCE_SECONDS:
            raise CommandError(
                f"{self.stream}, {shard.id}: no answer within {PATIENCE_SECONDS:.0f} s, because "
                f"its other readers take all that it serves ({_code(error)}). Run the command "
                "again: it goes on where it was."
            ) from error
        seconds = min(max(waited, PACE_SECONDS), LONGEST_PAUSE)
        self.pause(seconds)
        return waited + seconds


def _record(record: dict[str, Any]) -> Record:
    arrived = record["ApproximateArrivalTimestamp"].astimezone(UTC)  # boto3 has the local zone
    return Record(record["SequenceNumber"], arrived, record["Data"])


def _after(record: dict[str, Any]) -> dict[str, Any]:
    """The position behind a record."""
    number = record["SequenceNumber"]
    return {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": number}


def _limit(records: list[dict[str, Any]]) -> int:
    """How many records the next page may have, if they are as large as these."""
    size = sum(len(record["Data"]) for record in records) // len(records)
    return max(1, min(LARGEST_PAGE, PAGE_BYTES // max(size, 1)))


def _code(error: ClientError) -> str:
    return str(error.response["Error"].get("Code"))
