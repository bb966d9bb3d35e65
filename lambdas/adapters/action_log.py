"""The actions of a use case as a list, the newest first: of a customer, or of all by day."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from glue import instants
from lambdas.adapters.actions import BY_CUSTOMER, BY_DAY, decision, slots
from lambdas.adapters.dynamodb import CONFIG
from lambdas.ports.actions import Decision, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY = timedelta(days=1)


class DynamoActionLog:
    """The `ActionLog` over the indexes of one table. Pages are read as they are consumed."""

    def __init__(self, table: str, client: DynamoDBClient | None = None) -> None:
        self._table = table
        self._client: Any = client or boto3.client("dynamodb", config=CONFIG)

    def newest(self, customer: str | None, since: datetime, until: datetime) -> Iterator[Decision]:
        """As the port documents."""
        if customer is not None:
            found = self._query(BY_CUSTOMER, "customer", customer, since, until)
        else:
            count = (until.date() - since.date()).days + 1
            days = (f"{until - n * DAY:%Y-%m-%d}" for n in range(count))
            found = chain.from_iterable(self._day(day, since, until) for day in days)
        for _, together in groupby(found, key=lambda action: action.decided_at):
            yield from sorted(together, key=lambda action: action.id)

    def _day(self, day: str, since: datetime, until: datetime) -> Iterator[Decision]:
        each = [self._query(BY_DAY, "slot", slot, since, until) for slot in slots(day)]
        return heapq.merge(*each, key=lambda action: action.decided_at, reverse=True)

    def _query(
        self, index: str, name: str, value: str, since: datetime, until: datetime
    ) -> Iterator[Decision]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression="#key = :key AND decided_at BETWEEN :since AND :until",
            ExpressionAttributeNames={"#key": name},
            ExpressionAttributeValues={
                ":key": {"S": value},
                ":since": {"N": str(instants.to_millis(since))},
                ":until": {"N": str(instants.to_millis(until))},
            },
            ScanIndexForward=False,
        )
        try:
            for page in pages:
                yield from map(decision, page["Items"])
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(f"{self._table}: {error}") from error
