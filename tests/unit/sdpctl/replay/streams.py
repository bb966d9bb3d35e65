"""Kinesis in memory, as strict as the service where a replay depends on it."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from botocore.exceptions import ClientError

INDIA = timezone(timedelta(hours=5, minutes=30))  # boto3 returns times of the machine's zone


def refusal(code: str) -> ClientError:
    """An error of that code."""
    return ClientError({"Error": {"Code": code, "Message": code}}, "GetRecords")


@dataclass
class Shard:
    """A shard's records, as GetRecords returns them."""

    parents: tuple[str, ...] = ()
    closed: bool = False
    gone: bool = False  # closed, and nothing of it is retained
    records: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Kinesis:
    """Streams of shards by name. A page has `page` records at most; `failing` are next errors."""

    now: datetime
    page: int = 3
    hours: int = 72
    created: datetime | None = None
    streams: dict[str, dict[str, Shard]] = field(default_factory=dict)
    failing: list[str] = field(default_factory=list)
    reads: Counter[str] = field(default_factory=Counter)
    limits: list[int] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    iterators: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    class exceptions:
        """As boto3 has them."""

        ProvisionedThroughputExceededException = ClientError

    def shard(self, stream: str, name: str, *parents: str, closed: bool = False) -> Shard:
        """Add a shard."""
        made = self.streams.setdefault(stream, {})[name] = Shard(parents, closed)
        return made

    def put(self, stream: str, name: str, arrived: datetime, data: bytes) -> str:
        """Add a record where it arrived; the result is its sequence number."""
        number = f"4{arrived.timestamp():018.3f}{next(self.numbers):06}".replace(".", "")
        record = {
            "SequenceNumber": number,
            "ApproximateArrivalTimestamp": arrived.astimezone(INDIA),
            "Data": data,
            "PartitionKey": "k",
        }
        self.streams[stream][name].records.append(record)
        self.streams[stream][name].records.sort(key=lambda r: r["SequenceNumber"])
        return number

    def describe_stream_summary(self, StreamName: str) -> dict[str, Any]:
        created = self.created or self.now - timedelta(days=90)
        created = created.astimezone(INDIA)
        summary = {"RetentionPeriodHours": self.hours, "StreamCreationTimestamp": created}
        return {"StreamDescriptionSummary": summary}

    def list_shards(self, StreamName: str = "", NextToken: str = "") -> dict[str, Any]:
        """One shard a page, the newest first: nothing promises an order."""
        name, _, place = (NextToken or f"{StreamName}|0").partition("|")
        shards = sorted(self.streams[name].items(), reverse=True)
        shard_id, shard = shards[int(place)]
        listed: dict[str, Any] = {"ShardId": shard_id, "SequenceNumberRange": {}}
        if shard.closed:
            listed["SequenceNumberRange"]["EndingSequenceNumber"] = "9"
        kinds = ("ParentShardId", "AdjacentParentShardId")
        listed |= dict(zip(kinds, shard.parents, strict=False))
        more = int(place) + 1 < len(shards)
        return {"Shards": [listed]} | ({"NextToken": f"{name}|{int(place) + 1}"} if more else {})

    def get_shard_iterator(
        self, StreamName: str, ShardId: str, ShardIteratorType: str, **position: Any
    ) -> dict[str, Any]:
        shard = self.streams[StreamName][ShardId]
        if shard.gone:
            raise refusal("ResourceNotFoundException")
        if ShardIteratorType == "AT_TIMESTAMP":
            before = [
                r for r in shard.records if r["ApproximateArrivalTimestamp"] < position["Timestamp"]
            ]
        else:
            last = position["StartingSequenceNumber"]
            before = [r for r in shard.records if r["SequenceNumber"] <= last]
        return {"ShardIterator": self._iterator(StreamName, ShardId, len(before))}

    def get_records(self, ShardIterator: str, Limit: int) -> dict[str, Any]:
        stream, shard_id, at = self.iterators[ShardIterator]
        self.reads[shard_id] += 1
        self.limits.append(Limit)
        if self.failing:
            raise refusal(self.failing.pop(0))
        shard = self.streams[stream][shard_id]
        to = min(at + min(Limit, self.page), len(shard.records))
        left = len(shard.records) - to
        answer = {"Records": shard.records[at:to], "MillisBehindLatest": 1000 * left}
        if left or not shard.closed:
            answer["NextShardIterator"] = self._iterator(stream, shard_id, to)
        return answer

    def _iterator(self, stream: str, shard_id: str, at: int) -> str:
        name = f"iterator-{len(self.iterators)}"
        self.iterators[name] = (stream, shard_id, at)
        return name
