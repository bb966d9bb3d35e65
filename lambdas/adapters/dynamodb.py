"""The tables of the reports: conditional writes, and consistent reads of ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from glue.targets.dynamodb import WRITES, Item
from lambdas.adapters import totals
from lambdas.ports.report_store import StoreUnavailable
from lambdas.ports.upserts import WRITERS, ItemRefused, Upsert

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=WRITERS,
    retries={"mode": "standard", "max_attempts": 4},
)
NOT_NEWER = "ConditionalCheckFailedException"
INVALID = {"ValidationException", "SerializationException"}
# Attempts at a transaction while other writers of the same key get in first.
ATTEMPTS = 5
LAST_SECOND = 253_402_300_799


class DynamoStore:
    """The `Store` of persist and the `Store` of reports over one DynamoDB client."""

    def __init__(self, client: DynamoDBClient | None = None) -> None:
        self._client = client or boto3.client("dynamodb", config=CONFIG)

    def put(self, upserts: Sequence[Upsert]) -> None:
        """Put the items of one owner; an item that is already stored and as new is a success."""
        with _failures(upserts[0].table):
            if not upserts[0].is_totalled:
                for upsert in upserts:
                    self._put_if_newer(upsert)
                return
            for start in range(0, len(upserts), totals.BUCKETS):
                self._put_counted(upserts[start : start + totals.BUCKETS])

    def _put_if_newer(self, upsert: Upsert) -> None:
        try:
            self._client.put_item(TableName=upsert.table, Item=upsert.item, **condition(upsert))
        except ClientError as error:
            if error.response["Error"]["Code"] != NOT_NEWER:
                raise

    def _put_counted(self, upserts: Sequence[Upsert]) -> None:
        """Buckets and the total of their key in one transaction; retried if another writer won."""
        for _ in range(ATTEMPTS):
            held, total = self._held(upserts)
            due = totals.newer(upserts, held)
            if not due:
                return
            try:
                self._transact(totals.change(due, held, self._total(due, held, total)))
            except ClientError as error:
                if not came_second(error):
                    raise
            else:
                return
        raise StoreUnavailable(f"{upserts[0].table}: {ATTEMPTS} attempts lost to other writers")

    def _held(self, upserts: Sequence[Upsert]) -> tuple[dict[tuple[str, ...], Item], Item | None]:
        """The stored items of these buckets, by the upsert's identity, and the key's total."""
        table, names, key = upserts[0].table, upserts[0].key, totals.total_key(upserts[0])
        keys: Any = [key, *({n: u.item[n] for n in names} for u in upserts)]
        answer = self._client.batch_get_item(
            RequestItems={table: {"Keys": keys, "ConsistentRead": True}}
        )
        if answer.get("UnprocessedKeys"):
            raise StoreUnavailable(f"{table}: some buckets were not read")
        items = cast("list[Item]", answer["Responses"].get(table, []))
        held = {(table, *(v for n in names for v in i[n].values())): i for i in items}
        total = held.pop((table, *(v for n in names for v in key[n].values())), None)
        return held, total

    def _total(
        self, due: Sequence[Upsert], held: Mapping[tuple[str, ...], Item], item: Item | None
    ) -> totals.Total:
        """What the item holds, or the total over all buckets where that is not enough."""
        upsert = due[0]
        if item is not None and totals.is_complete(due, held, item):
            return totals.Total.read(upsert, item)
        hash_key, range_key = upsert.key
        buckets = self._query(
            upsert.table, (hash_key, upsert.item[hash_key]), (range_key, 0, LAST_SECOND)
        )
        return totals.Total.summed(due, buckets, item and item.get(WRITES))

    def _transact(self, change: totals.Change) -> None:
        upsert = change.puts[0][0]
        conditions = [_as_held(upsert, held) for upsert, held in change.puts]
        puts = [
            {"Put": {"TableName": u.table, "Item": u.item, **c}}
            for (u, _), c in zip(change.puts, conditions, strict=True)
        ]
        total = {"TableName": upsert.table, "Item": change.total, **_unchanged(upsert, change)}
        items: Any = [*puts, {"Put": total}]
        self._client.transact_write_items(TransactItems=items)

    def get(self, table: str, key: Item) -> Item | None:
        """The item with that key, from a consistent read."""
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
        """Items of a key whose range attribute is between two numbers, both included.

        Pages are read as they are consumed.
        """
        try:
            yield from self._query(table, key, between, descending=descending)
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(f"{table}: {error}") from error

    def _query(
        self,
        table: str,
        key: tuple[str, Any],
        between: tuple[str, int, int],
        *,
        descending: bool = False,
    ) -> Iterator[Item]:
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
        for page in request:
            yield from cast("list[Item]", page["Items"])


@contextmanager
def _failures(table: str) -> Iterator[None]:
    """Separates items that DynamoDB will never accept from failures that may pass."""
    try:
        yield
    except ParamValidationError as error:
        raise ItemRefused(str(error)) from error
    except ClientError as error:
        if invalid := _invalid(error):
            raise ItemRefused(invalid) from error
        raise StoreUnavailable(f"{table}: {error}") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"{table}: {error}") from error


def _invalid(error: ClientError) -> str | None:
    """What is wrong with an item of the request; None if the request may succeed later."""
    if error.response["Error"]["Code"] in INVALID:
        return str(error.response["Error"]["Message"])
    rejected = (r for r in _reasons(error) if r.get("Code") == "ValidationError")
    return next((str(r.get("Message", "ValidationError")) for r in rejected), None)


def came_second(error: ClientError) -> bool:
    """Whether a transaction failed only because of another writer."""
    codes = {reason.get("Code", "None") for reason in _reasons(error)} - {"None"}
    return bool(codes) and codes <= {"ConditionalCheckFailed", "TransactionConflict"}


def _reasons(error: ClientError) -> list[dict[str, Any]]:
    """Why a transaction was cancelled, one reason per item."""
    reasons: list[dict[str, Any]] = cast("dict[str, Any]", error.response).get(
        "CancellationReasons", []
    )
    return reasons


def _as_held(upsert: Upsert, held: Item | None) -> dict[str, Any]:
    """Condition: the stored item of the upsert's key is unchanged, or still missing."""
    if held is None:
        return {
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": upsert.key[0]},
        }
    return {
        "ConditionExpression": " AND ".join(f"#{name} = :{name}" for name in upsert.rank),
        "ExpressionAttributeNames": {f"#{name}": name for name in upsert.rank},
        "ExpressionAttributeValues": {f":{name}": held[name] for name in upsert.rank},
    }


def _unchanged(upsert: Upsert, change: totals.Change) -> dict[str, Any]:
    """Condition: the total is the one that was read, or is still missing."""
    if change.seen is None:
        return _as_held(upsert, None)
    return {
        "ConditionExpression": "#writes = :writes",
        "ExpressionAttributeNames": {"#writes": WRITES},
        "ExpressionAttributeValues": {":writes": change.seen},
    }


def condition(upsert: Upsert) -> dict[str, Any]:
    """Condition: no such item yet, or one with a smaller rank; ranks compare like tuples."""
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
