"""Kinesis: PutRecords that retries only what failed, within a limited time, and open shards.

PutRecords answers 200 with some entries failed; those alone are sent again, after a backoff
with full jitter. If one record makes Kinesis refuse a whole call, the call is halved until that
record is alone, so that it fails no other. A call that timed out may have stored its records: they
are `Unconfirmed` unless a retry stores them. Consumers then see them twice with the same receipt
and event_id, and count them once.
"""

from __future__ import annotations

import hashlib
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
)

from lambdas.ports.stream import Entry, Unconfirmed

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

MAX_RECORDS = 500
MAX_BYTES = 5_000_000
KEY_LENGTH = 256  # characters of a partition key
BUDGET_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_HOPELESS = {
    "AccessDeniedException",
    "InvalidArgumentException",
    "ResourceNotFoundException",
    "ValidationException",
}
_ABOUT_A_RECORD = {"InvalidArgumentException", "ValidationException"}
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, ParamValidationError)
_INTERNAL = "InternalFailure"  # of an entry: Kinesis does not say whether it stored it


def client() -> KinesisClient:
    """A client that leaves retrying to `KinesisStream`."""
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"}, connect_timeout=2, read_timeout=5
    )
    return boto3.client("kinesis", config=config)


class KinesisStream:
    """The stream port over PutRecords.

    `before` is called before entries are stored, and before what failed is sent again.
    `sleep`, `monotonic` and `jitter` are for tests.
    """

    def __init__(
        self,
        client: KinesisClient,
        *,
        budget_seconds: float = BUDGET_SECONDS,
        before: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._budget = budget_seconds
        self._before = before
        self._sleep = sleep
        self._monotonic = monotonic
        self._jitter = jitter

    def put(self, stream: str, entries: Sequence[Entry]) -> list[str | None]:
        """Store entries. Returns, per entry, None or the reason why all retries failed."""
        reasons: list[str | None] = [None] * len(entries)
        self._before()
        deadline = self._monotonic() + self._budget
        for chunk in _chunks(entries):
            self._put_chunk(stream, entries, chunk, reasons, deadline)
        return reasons

    def _put_chunk(
        self,
        stream: str,
        entries: Sequence[Entry],
        pending: list[int],
        reasons: list[str | None],
        deadline: float,
    ) -> None:
        pause = _FIRST_PAUSE
        while True:
            failed = self._attempt(stream, entries, pending)
            if len(pending) > 1 and set(failed.values()) & _ABOUT_A_RECORD:
                middle = len(pending) // 2
                self._put_chunk(stream, entries, pending[:middle], reasons, deadline)
                self._put_chunk(stream, entries, pending[middle:], reasons, deadline)
                return
            for index in pending:
                reasons[index] = _lasting(reasons[index], failed.get(index))
            pending = [i for i in pending if i in failed and failed[i] not in _HOPELESS]
            wait = pause * self._jitter()
            if not pending or self._monotonic() + wait >= deadline:
                return
            self._sleep(wait)
            self._before()
            if self._monotonic() >= deadline:
                return
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _attempt(self, stream: str, entries: Sequence[Entry], pending: list[int]) -> dict[int, str]:
        """Makes one call. Returns which entries failed, and why."""
        records: Any = [_request(entries[index]) for index in pending]
        try:
            answer = self._client.put_records(StreamName=stream, Records=records)
        except ClientError as error:
            return dict.fromkeys(pending, _refusal(error))
        except _NEVER_SENT as error:
            return dict.fromkeys(pending, type(error).__name__)
        except BotoCoreError as error:
            return dict.fromkeys(pending, Unconfirmed(type(error).__name__))
        if not answer["FailedRecordCount"]:
            return {}
        results = zip(pending, answer["Records"], strict=True)
        return {i: _entry_reason(r["ErrorCode"]) for i, r in results if r.get("ErrorCode")}


def _lasting(before: str | None, now: str | None) -> str | None:
    """The reason of the newest attempt; an entry that may be stored stays so if that failed."""
    return Unconfirmed(now) if now is not None and isinstance(before, Unconfirmed) else now


def _refusal(error: ClientError) -> str:
    """Why Kinesis refused a call; a fault of its own does not say what it has stored."""
    code = error.response["Error"].get("Code", "ClientError")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return Unconfirmed(code) if status >= 500 else code


def _entry_reason(code: str) -> str:
    return Unconfirmed(code) if code == _INTERNAL else code


def open_shards(client: KinesisClient, stream: str) -> Iterator[str]:
    """The starting hash key of each open shard, from all pages."""
    query: dict[str, Any] = {"StreamName": stream, "ShardFilter": {"Type": "AT_LATEST"}}
    while True:
        page = client.list_shards(**query)
        for shard in page["Shards"]:
            if "EndingSequenceNumber" not in shard["SequenceNumberRange"]:
                yield shard["HashKeyRange"]["StartingHashKey"]
        if not (token := page.get("NextToken")):
            return
        query = {"NextToken": token}


def _request(entry: Entry) -> dict[str, Any]:
    request = {"Data": entry.data, "PartitionKey": partition_key(entry.key)}
    if entry.hash_key is not None:
        request["ExplicitHashKey"] = entry.hash_key
    return request


def partition_key(key: str) -> str:
    """The key, or a substitute that Kinesis accepts; equal keys remain equal.

    As in the connector of the Flink application (PartitionKey.java): a dash for an empty key, a
    UUID of the bytes for one that is too long.
    """
    if not key:
        return "-"
    if len(key) <= KEY_LENGTH:
        return key
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest, version=3))


def _chunks(entries: Sequence[Entry]) -> Iterator[list[int]]:
    """Indices of the entries, grouped into calls within the limits of PutRecords."""
    chunk: list[int] = []
    size = 0
    for index, entry in enumerate(entries):
        weight = len(entry.data) + 4 * len(entry.key)
        if chunk and (len(chunk) == MAX_RECORDS or size + weight > MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(index)
        size += weight
    if chunk:
        yield chunk
