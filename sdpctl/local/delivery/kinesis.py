"""Reads shards over Kinesis' JSON protocol.

Not with boto3: it takes three times as long to parse a page as the emulator does to make it.
The emulator checks no signature.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, NamedTuple

import httpx
import orjson

from sdpctl.errors import CommandError
from sdpctl.local.delivery.batches import Record
from sdpctl.settings import Settings

THROTTLED = "ProvisionedThroughputExceededException"


class KinesisError(CommandError):
    """Kinesis did not answer, or refused; `code` is its name for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"Kinesis: {code}: {message}")
        self.code = code


class Page(NamedTuple):
    """Some records of a shard; `following` is None at the end of a closed one."""

    records: list[Record]
    following: str | None
    behind: float  # seconds until the shard's newest record


class Kinesis:
    """The emulator's streams."""

    def __init__(self, settings: Settings) -> None:
        scope = f"test/20260101/{settings.region}/kinesis/aws4_request"
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
        }
        self._http = httpx.Client(base_url=settings.endpoint, headers=headers, timeout=60)

    def shards(self, stream: str) -> list[str]:
        """The ids of all shards, closed ones too."""
        shards, request = list[str](), {"StreamName": stream}
        while True:
            page = self._call("ListShards", request)
            shards += [shard["ShardId"] for shard in page["Shards"]]
            if not page.get("NextToken"):
                return shards
            request = {"NextToken": page["NextToken"]}

    def at_time(self, stream: str, shard: str, since: datetime) -> str:
        """An iterator that begins with the records that arrived then."""
        return self._iterator(stream, shard, "AT_TIMESTAMP", Timestamp=since.timestamp())

    def at(self, stream: str, shard: str, number: str) -> str:
        """An iterator that begins with this record."""
        return self._iterator(stream, shard, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=number)

    def after(self, stream: str, shard: str, number: str) -> str:
        """An iterator that begins with the record after this one."""
        return self._iterator(stream, shard, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=number)

    def page(self, iterator: str, limit: int) -> Page:
        """Up to `limit` records; raises KinesisError."""
        response = self._call("GetRecords", {"ShardIterator": iterator, "Limit": limit})
        records = [
            Record(r["SequenceNumber"], r["ApproximateArrivalTimestamp"], _bytes(r["Data"]))
            for r in response["Records"]
        ]
        return Page(
            records, response.get("NextShardIterator"), response["MillisBehindLatest"] / 1000
        )

    def _iterator(self, stream: str, shard: str, kind: str, **start: Any) -> str:
        request = {"StreamName": stream, "ShardId": shard, "ShardIteratorType": kind, **start}
        return str(self._call("GetShardIterator", request)["ShardIterator"])

    def _call(self, action: str, request: dict[str, Any]) -> dict[str, Any]:
        target = {"x-amz-target": f"Kinesis_20131202.{action}"}
        try:
            answer = self._http.post("/", content=orjson.dumps(request), headers=target)
            body: dict[str, Any] = orjson.loads(answer.content)
        except (httpx.HTTPError, orjson.JSONDecodeError) as error:
            raise KinesisError("Unavailable", f"{type(error).__name__}: {error}") from error
        if answer.status_code != 200:
            raise KinesisError(body.get("__type", "?"), body.get("message", answer.text[:200]))
        return body


_bytes = base64.b64decode
