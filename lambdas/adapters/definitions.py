"""The table of definitions in DynamoDB; its items are described in docs/adr/0028-definitions.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.ports.definitions import Frontier, FrontierPassed, Overtaken, Version
from lambdas.ports.report_store import StoreUnavailable

CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 4})
_LOST = {"ConditionalCheckFailed", "TransactionConflict"}
_LATEST = 10**12 - 1


class DynamoDefinitions:
    """The `DefinitionsStore` over one DynamoDB client."""

    def __init__(self, client: Any = None) -> None:
        self._client = client or boto3.client("dynamodb", config=CONFIG)

    def frontier(self, table: str) -> Frontier:
        """Where the stream is, and what was written last."""
        item = self._get(table, "frontier", "frontier") or {}
        return Frontier(_number(item, "instant", -1), _number(item, "sequence", 0))

    def head(self, table: str, kind: str, name: str) -> Version | None:
        """The newest version of a definition."""
        item = self._get(table, "head", _name(kind, name))
        return _version(item) if item else None

    def heads(self, table: str, kind: str | None, after: str, limit: int) -> Sequence[Version]:
        """The newest version of each definition, by kind and name; those after `kind#name`."""
        low = max(after, f"{kind}#" if kind else "!")
        high = f"{kind}#~" if kind else "~"
        found = self._query(table, "head", low, high, limit + 1)
        # BETWEEN includes the definition that the page before ended with.
        return [version for version in found if _name(version.kind, version.name) != after][:limit]

    def history(
        self, table: str, kind: str, name: str, before: int, limit: int
    ) -> Sequence[Version]:
        """The versions of a definition below `before`, the newest first."""
        high = _digits(min(before - 1, _LATEST))
        return self._query(table, _name(kind, name), _digits(0), high, limit, descending=True)

    def write(self, table: str, version: Version) -> None:
        """Write it in one transaction, as the next of its name and of the table."""
        with _failures(table):
            items: Any = _transaction(table, version)
            try:
                self._client.transact_write_items(TransactItems=items)
            except ClientError as error:
                raise _lost(error, version) or error from None

    def _get(self, table: str, pk: str, sk: str) -> Mapping[str, Any] | None:
        with _failures(table):
            key = {"pk": {"S": pk}, "sk": {"S": sk}}
            answer = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
            item: Mapping[str, Any] | None = answer.get("Item")
            return item

    def _query(
        self, table: str, pk: str, low: str, high: str, limit: int, *, descending: bool = False
    ) -> list[Version]:
        found: list[Version] = []
        start: dict[str, Any] = {}
        with _failures(table):
            while len(found) < limit:
                answer = self._client.query(
                    TableName=table,
                    ConsistentRead=True,
                    KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
                    ExpressionAttributeValues={
                        ":pk": {"S": pk},
                        ":low": {"S": low},
                        ":high": {"S": high},
                    },
                    ScanIndexForward=not descending,
                    Limit=limit - len(found),
                    **start,
                )
                found += map(_version, answer["Items"])
                if "LastEvaluatedKey" not in answer:
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return found


def _transaction(table: str, version: Version) -> list[dict[str, Any]]:
    item = _item(version)
    return [
        {"Update": _frontier(table, version)},
        _put(table, "version", _digits(version.sequence), item, _ABSENT),
        _put(table, "head", _name(version.kind, version.name), item, _previous(version)),
        _put(table, _name(version.kind, version.name), _digits(version.version), item, _ABSENT),
    ]


_ABSENT: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}


def _previous(version: Version) -> dict[str, Any]:
    if version.version == 1:
        return _ABSENT
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":version": _n(version.version - 1)},
    }


def _put(
    table: str, pk: str, sk: str, item: Mapping[str, Any], condition: Mapping[str, Any]
) -> dict[str, Any]:
    keyed = {"pk": {"S": pk}, "sk": {"S": sk}, **item}
    return {"Put": {"TableName": table, "Item": keyed, **condition}}


def _frontier(table: str, version: Version) -> dict[str, Any]:
    seen = version.sequence - 1
    unchanged = "#sequence = :seen" if seen else "attribute_not_exists(#sequence)"
    names = {"#instant": "instant", "#sequence": "sequence"}
    values = {
        ":valid_from": _n(version.valid_from),
        ":next": _n(version.sequence),
        ":never": _n(-1),
        **({":seen": _n(seen)} if seen else {}),
    }
    return {
        "TableName": table,
        "Key": {"pk": {"S": "frontier"}, "sk": {"S": "frontier"}},
        "UpdateExpression": "SET #sequence = :next, #instant = if_not_exists(#instant, :never)",
        "ConditionExpression": "(attribute_not_exists(#instant) OR #instant < :valid_from) "
        f"AND {unchanged}",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _lost(error: ClientError, version: Version) -> Exception | None:
    """What a cancelled transaction means; None for any other error."""
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        return None
    reasons: list[Any] = error.response.get("CancellationReasons", [])
    if reasons and "Item" in reasons[0]:
        instant = _number(reasons[0]["Item"], "instant", -1)
        if instant >= version.valid_from:
            return FrontierPassed(instant)
    if any(reason.get("Code") in _LOST for reason in reasons):
        return Overtaken(f"{version.kind} {version.name}: another version was written first")
    return None


@contextmanager
def _failures(table: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreUnavailable(f"{table}: {error}") from error


def _item(version: Version) -> dict[str, Any]:
    item: dict[str, Any] = {
        "kind": {"S": version.kind},
        "name": {"S": version.name},
        "version": _n(version.version),
        "valid_from": _n(version.valid_from),
        "mode": {"S": version.mode},
        "ended": {"BOOL": version.ended},
        "body": {"S": _json(version.body)},
        "written_at": _n(version.written_at),
        "sequence": _n(version.sequence),
    }
    if version.checked:
        item["checked"] = {"S": version.checked}
    if version.placeholders:
        item["placeholders"] = {"S": _json(version.placeholders)}
    return item


def _version(item: Mapping[str, Any]) -> Version:
    return Version(
        kind=item["kind"]["S"],
        name=item["name"]["S"],
        version=_number(item, "version", 0),
        valid_from=_number(item, "valid_from", 0),
        mode=item["mode"]["S"],
        ended=item["ended"]["BOOL"],
        body=json.loads(item["body"]["S"]),
        written_at=_number(item, "written_at", 0),
        sequence=_number(item, "sequence", 0),
        checked=item.get("checked", {}).get("S", ""),
        placeholders=json.loads(item.get("placeholders", {}).get("S", "{}")),
    )


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), separators=(",", ":"), ensure_ascii=False)


def _number(item: Mapping[str, Any], name: str, default: int) -> int:
    return int(item[name]["N"]) if name in item else default


def _n(number: int) -> dict[str, str]:
    return {"N": str(number)}


def _digits(number: int) -> str:
    """Sorted as text as it is as a number."""
    return f"{number:012d}"


def _name(kind: str, name: str) -> str:
    return f"{kind}#{name}"
