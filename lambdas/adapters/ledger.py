"""Locks, budget and last run in DynamoDB; each change is one conditional write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from lambdas.adapters.dynamodb import CONFIG, NOT_NEWER
from lambdas.ports.training import RUN, Document

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LAST = "last"


class DynamoLedger:
    """The `Ledger` of one use case: items under its name.

    They are `lock`, `endpoint lock`, `last` and `day/YYYY-MM-DD`.
    """

    def __init__(self, table: str, use_case: str, client: DynamoDBClient | None = None) -> None:
        self._table, self._use_case = table, use_case
        self._client: Any = client or boto3.client("dynamodb", config=CONFIG)

    def acquire(self, holder: str, now: int, until: int, lock: str = RUN) -> bool:
        """Take the lock if it is free, expired, or the holder's own."""
        return self._update(
            lock,
            "SET holder = :holder, expires = :until",
            "attribute_not_exists(holder) OR holder = :holder OR expires < :now",
            {":holder": _text(holder), ":until": _number(until), ":now": _number(now)},
        )

    def release(self, holder: str, lock: str = RUN) -> None:
        """Release the lock if the holder has it."""
        self._update(lock, "REMOVE holder, expires", "holder = :holder", {":holder": _text(holder)})

    def holder(self, now: int, lock: str = RUN) -> str | None:
        """The current holder of the lock."""
        item = self._get(lock)
        if "holder" not in item or int(item["expires"]["N"]) < now:
            return None
        return str(item["holder"]["S"])

    def reserve(self, day: str, holder: str, minutes: int, runs_limit: int, limit: int) -> bool:
        """Count a training against the day, once per holder.

        One write adds the run, its minutes and its name, if the day's limits allow it.
        """
        granted = self._update(
            f"day/{day}",
            "ADD runs :one, minutes :minutes, holders :holders",
            "attribute_not_exists(runs) OR "
            "(runs < :runs AND minutes <= :left AND NOT contains(holders, :holder))",
            {
                ":one": _number(1),
                ":minutes": _number(minutes),
                ":holders": {"SS": [holder]},
                ":holder": _text(holder),
                ":runs": _number(runs_limit),
                ":left": _number(limit - minutes),
            },
        )
        return granted or holder in self._get(f"day/{day}").get("holders", {}).get("SS", [])

    def settle(self, day: str, holder: str, reserved: int, used: int) -> None:
        """Return the minutes that were reserved and not used, once per holder."""
        self._update(
            f"day/{day}",
            "ADD minutes :back, settled :holders",
            "attribute_not_exists(settled) OR NOT contains(settled, :holder)",
            {
                ":back": _number(used - reserved),
                ":holders": {"SS": [holder]},
                ":holder": _text(holder),
            },
        )

    def last(self) -> dict[str, Any] | None:
        """The values that `record` wrote last."""
        item = self._get(LAST)
        run: dict[str, Any] | None = json.loads(item["run"]["S"]) if item else None
        return run

    def record(self, run: Document) -> None:
        """Store how a run ended."""
        self._client.put_item(
            TableName=self._table, Item={**self._key(LAST), "run": _text(json.dumps(dict(run)))}
        )

    def _key(self, item: str) -> dict[str, Any]:
        return {"use_case": _text(self._use_case), "item": _text(item)}

    def _get(self, item: str) -> dict[str, Any]:
        answer = self._client.get_item(
            TableName=self._table, Key=self._key(item), ConsistentRead=True
        )
        attributes: dict[str, Any] = answer.get("Item", {})
        return attributes

    def _update(self, item: str, change: str, condition: str, values: dict[str, Any]) -> bool:
        """Makes the change if its condition holds. Returns whether it did."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=self._key(item),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == NOT_NEWER:
                return False
            raise
        return True


def _text(value: str) -> dict[str, str]:
    return {"S": value}


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}
