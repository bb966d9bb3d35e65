"""Replays of dead letters, in the ledger's table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from glue import instants
from lambdas.ports.ledger import expires_at
from lambdas.ports.replays import Replay, State
from lambdas.ports.report_store import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONFIG = Config(
    connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}
)
_SAME = "#state = :state AND #at = :at"
# The client sends a write again whose answer was lost: then its own item is there.
_OWN = "#write = :write"
_LONGEST_KEY = 1_024  # bytes


class DynamoReplays:
    """The `Replays` in the ledger's table."""

    def __init__(self, table: str, client: DynamoDBClient | None = None) -> None:
        self._table = table
        self._client: Any = client or boto3.client("dynamodb", config=CONFIG)

    def find(self, use_case: str, letter: str) -> Replay | None:
        """As the port documents; None also where the deployment is older than the table."""
        if len(letter.encode()) > _LONGEST_KEY:
            return None
        key = _key(use_case, letter)
        with self._failures():
            try:
                answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            except self._client.exceptions.ResourceNotFoundException:
                return None
        return _replay(use_case, letter, answer["Item"]) if "Item" in answer else None

    def advance(self, replay: Replay, before: Replay | None) -> bool:
        """As the port documents."""
        if before is None:
            return self._put(replay, "attribute_not_exists(pk)", {}, {})
        values = {":state": {"S": before.state}, ":at": {"S": instants.to_wire(before.at)}}
        return self._put(replay, _SAME, {"#state": "state", "#at": "at"}, values)

    def accept(self, replay: Replay) -> bool:
        """As the port documents."""
        return self._put(
            replay, "#record = :record", {"#record": "record"}, {":record": {"B": replay.record}}
        )

    def _put(
        self,
        replay: Replay,
        condition: str,
        names: Mapping[str, str],
        values: Mapping[str, Any],
    ) -> bool:
        write = {"S": uuid4().hex}
        item = {
            **_key(replay.use_case, replay.letter),
            "record": {"B": replay.record},
            "state": {"S": replay.state},
            "at": {"S": instants.to_wire(replay.at)},
            "error": {"S": replay.error},
            "expires_at": {"N": str(expires_at(replay.at))},
            "write": write,
        }
        with self._failures():
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression=f"({condition}) OR {_OWN}",
                    ExpressionAttributeNames={**names, "#write": "write"},
                    ExpressionAttributeValues={**values, ":write": write},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(f"{self._table}: {error}") from error


def _key(use_case: str, letter: str) -> dict[str, Any]:
    return {"pk": {"S": f"{use_case}#replay"}, "sk": {"S": letter}}


def _replay(use_case: str, letter: str, item: Mapping[str, Any]) -> Replay:
    return Replay(
        use_case,
        letter,
        bytes(item["record"]["B"]),
        State(item["state"]["S"]),
        instants.parse(item["at"]["S"]),
        item["error"]["S"],
    )
