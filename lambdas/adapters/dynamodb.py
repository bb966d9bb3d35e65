"""The tables of the reports: conditional writes, and consistent reads of ranges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from glue.targets.dynamodb import Item
from lambdas.persist.upsert import Refused, Unavailable, Upsert
from lambdas.persist.writing import WRITERS
from lambdas.reports.store import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=WRITERS,
    retries={"mode": "standard", "max_attempts": 4},
)
NOT_NEWER = "ConditionalCheckFailedException"
INVALID = "ValidationException"


class DynamoStore:
    """The `Store` of persist and the `Store` of reports over one DynamoDB client."""

    def __init__(self, client: DynamoDBClient | None = None) -> None:
        self._client = client or boto3.client("dynamodb", config=CONFIG)

    def put_if_newer(self, upsert: Upsert) -> None:
        """Put the item; one that is as new and there already is a success."""
        try:
            self._client.put_item(TableName=upsert.table, Item=upsert.item, **condition(upsert))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == INVALID:
                raise Refused(error.response["Error"]["Message"]) from error
            if code != NOT_NEWER:
                raise Unavailable(f"{upsert.table}: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"{upsert.table}: {error}") from error

    def get(self, table: str, key: Item) -> Item | None:
        """The item of that key, read consistently."""
        try:
            answer = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(f"{table}: {error}") from error
        return cast("Item | None", answer.get("Item"))

    def items(
        self,
        table: str,
        key: tuple[str, Any],
        between: tuple[str, int, int],
        *,
        descending: bool = False,
    ) -> Iterator[Item]:
        """Items of a key whose range attribute lies between two numbers, both included.

        Pages are read as they are consumed.
        """
        request = self._client.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="#key = :key AND #range BETWEEN :low AND :high",
            ExpressionAttributeNames={"#key": key[0], "#range": between[0]},
            ExpressionAttributeValues={
                ":key": key[1],
                ":low": {"N": str(between[1])},
                ":high": {"N": str(between[2])},
            },
            ConsistentRead=True,
            ScanIndexForward=not descending,
        )
        try:
            for page in request:
                yield from cast("list[Item]", page["Items"])
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(f"{table}: {error}") from error


def condition(upsert: Upsert) -> dict[str, Any]:
    """No such item yet, or one whose rank is smaller: compared like tuples, first to last."""
    key, rank = upsert.key, upsert.rank
    clauses = [f"attribute_not_exists(#{key[0]})"]
    for position, name in enumerate(rank):
        equal = [f"#{before} = :{before}" for before in rank[:position]]
        clauses.append("(" + " AND ".join([*equal, f"#{name} < :{name}"]) + ")")
    return {
        "ConditionExpression": " OR ".join(clauses),
        "ExpressionAttributeNames": {f"#{name}": name for name in (key[0], *rank)},
        "ExpressionAttributeValues": {f":{name}": upsert.item[name] for name in rank},
    }
