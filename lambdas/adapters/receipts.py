"""The ledger's table: receipts written by the door, and read by the audit with the outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.ports import ledger
from lambdas.ports.ledger import Receipts
from lambdas.ports.report_store import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A request waits for these writes: a slow table must not use up its time.
CONFIG = Config(
    connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 2}
)
NUMBERS = ("ok", "refused", "unknown", "pending", "revision")


class DynamoReceipts:
    """The receipts in the ledger's table."""

    def __init__(self, table: str, client: DynamoDBClient | None = None) -> None:
        self._table = table
        self._client: Any = client or boto3.client("dynamodb", config=CONFIG)

    def put(self, receipts: Receipts) -> None:
        """As the port documents."""
        try:
            self._client.put_item(
                TableName=self._table, Item=_item(receipts), **_if_later(receipts)
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return  # it has arrived before, or is older: a write without an answer may come late
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(f"{self._table}: {error}") from error

    def door(self, use_case: str, start: datetime, end: datetime) -> Iterator[Receipts]:
        """What was received in the minutes from `start` to before `end`."""
        for shard in range(ledger.SHARDS):
            for item in self._query(ledger.door_partition(use_case, shard), start, end):
                yield _receipts(use_case, item)

    def outcomes(
        self, use_case: str, start: datetime, end: datetime
    ) -> dict[datetime, dict[str, int]]:
        """What became of the records, by minute and outcome."""
        items = self._query(ledger.stream_partition(use_case), start, end)
        return {_minute(item): _outcomes(item) for item in items}

    def _query(self, partition: str, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
            ExpressionAttributeValues={
                ":pk": {"S": partition},
                ":low": {"S": ledger.minute_key(start)},
                ":high": {"S": ledger.minute_key(_next_whole(end))},
            },
            ConsistentRead=True,
        )
        try:
            for page in pages:
                # BETWEEN includes its end, where only a key without an instance can be.
                yield from (item for item in page["Items"] if _minute(item) < end)
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(f"{self._table}: {error}") from error


def _item(receipts: Receipts) -> dict[str, dict[str, str]]:
    shard, fields = ledger.shard_of(receipts.instance), asdict(receipts)
    return {
        "pk": {"S": ledger.door_partition(receipts.use_case, shard)},
        "sk": {"S": f"{ledger.minute_key(receipts.minute)}#{receipts.instance}"},
        **{name: {"N": str(fields[name])} for name in NUMBERS},
        "expires_at": {"N": str(ledger.expires_at(receipts.minute))},
    }


def _if_later(receipts: Receipts) -> dict[str, Any]:
    """The condition that the item there, if any, has an earlier revision."""
    return {
        "ConditionExpression": "attribute_not_exists(#revision) OR #revision < :revision",
        "ExpressionAttributeNames": {"#revision": "revision"},
        "ExpressionAttributeValues": {":revision": {"N": str(receipts.revision)}},
    }


def _receipts(use_case: str, item: dict[str, Any]) -> Receipts:
    _, _, instance = item["sk"]["S"].partition("#")
    numbers = {name: int(item[name]["N"]) for name in NUMBERS if name in item}
    return Receipts(use_case, _minute(item), instance, **numbers)


def _next_whole(at: datetime) -> datetime:
    """The start of the first minute that begins at `at` or later."""
    minute = ledger.minute_of(at)
    return minute if minute == at else minute + ledger.MINUTE


def _minute(item: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(item["sk"]["S"].partition("#")[0])


def _outcomes(item: dict[str, Any]) -> dict[str, int]:
    left_out = ("expires_at", "version")
    return {k: int(v["N"]) for k, v in item.items() if "N" in v and k not in left_out}
