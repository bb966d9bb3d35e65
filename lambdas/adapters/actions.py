"""The table of actions: decisions with their states, the times of each customer, and what is
disabled. Each change is one conditional write.

Items: `action#ID`; `customer#NAME` with the times of its actions; `destination#NAME` once it is
disabled. Two indexes list actions, newest first: of a customer, and of a day, which is
spread over SLOTS keys because an index accepts 1,000 writes a second of one key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from glue import instants
from glue.targets.dynamodb import Item
from lambdas.adapters.dynamodb import CONFIG, INVALID, NOT_NEWER, came_second
from lambdas.ports.actions import (
    Decision,
    Outcome,
    Place,
    State,
    Status,
    StoreUnavailable,
    Times,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HASH, RANGE = "pk", "sk"
BY_CUSTOMER, BY_DAY = "by-customer", "by-day"
SLOTS = 16
_ACTION, _CUSTOMER, _DESTINATION = "action", "customer", "destination"
_STATUS = "_status"
_ABSENT: Any = {"ConditionExpression": f"attribute_not_exists({HASH})"}


class DynamoActions:
    """The `ActionStore` over one table."""

    def __init__(self, table: str, client: DynamoDBClient | None = None) -> None:
        self._table = table
        self._client = client or boto3.client("dynamodb", config=CONFIG)

    def action(self, id_: str) -> Decision | None:
        """The stored action."""
        item = self._get(key(_ACTION, id_))
        return decision(item) if item else None

    def times(self, customer: str) -> Times:
        """The times of the customer's actions."""
        item = self._get(key(_CUSTOMER, customer))
        return _times(item) if item else Times()

    def enter(self, decision: Decision, before: Times | None, after: Times | None) -> bool:
        """Store the decision and, if `before` is given, the customer's new times, together."""
        put: Any = {"TableName": self._table, "Item": item(decision), **_ABSENT}
        with self._failures():
            if before is None or after is None:
                return self._holds(lambda: self._client.put_item(**put))
            changed = self._changed(decision.customer, before, after, decision.expires)
            return self._holds(
                lambda: self._client.transact_write_items(
                    TransactItems=[{"Put": put}, {"Put": changed}]
                )
            )

    def change(self, customer: str, before: Times, after: Times, expires: datetime) -> bool:
        """Replace a customer's times. False if they have changed since `before`."""
        changed = self._changed(customer, before, after, expires)
        with self._failures():
            return self._holds(lambda: self._client.put_item(**changed))

    def _changed(self, customer: str, before: Times, after: Times, expires: datetime) -> Any:
        """The write that replaces a customer's times, if they are as `before`."""
        unchanged = _ABSENT
        if before.version:
            unchanged = {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": {"N": str(before.version)}},
            }
        stored = _customer(customer, before.version + 1, after, expires)
        return {"TableName": self._table, "Item": stored, **unchanged}

    def settle(self, id_: str, destination: str, attempt: int, state: State) -> bool:
        """Replace a pending state of that attempt. False if another message has replaced it."""
        return self.restart(id_, destination, State(attempt=attempt), state)

    def restart(self, id_: str, destination: str, before: State, state: State) -> bool:
        """Replace a state of that attempt and status. False if it has changed meanwhile."""
        attributes = _attributes(destination, state)
        names = {f"#{number}": name for number, name in enumerate(attributes)}
        values = {f":{number}": value for number, value in enumerate(attributes.values())}
        names |= {"#status": destination + _STATUS, "#attempt": f"{destination}_attempt"}
        values |= {
            ":status": {"S": str(before.status)},
            ":attempt": {"N": str(before.attempt)},
        }
        change = ", ".join(f"#{number} = :{number}" for number in range(len(attributes)))
        with self._failures():
            return self._holds(
                lambda: self._client.update_item(
                    TableName=self._table,
                    Key=key(_ACTION, id_),
                    UpdateExpression=f"SET {change}",
                    ConditionExpression="#status = :status AND #attempt = :attempt",
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=values,
                )
            )

    def disabled(self, destination: str) -> Mapping[str, str] | None:
        """`url` and `at` of the answer that disabled the destination; None if it is enabled."""
        item = self._get(disabled_key(destination))
        return {name: item[name]["S"] for name in ("url", "at")} if item else None

    def disable(self, destination: str, url: str, at: datetime) -> None:
        """Send nothing more to this URL."""
        item: Item = {
            **disabled_key(destination),
            "url": {"S": url},
            "at": {"S": instants.to_wire(at)},
        }
        with self._failures():
            self._client.put_item(TableName=self._table, Item=item)

    def _get(self, key: Item) -> Item | None:
        with self._failures():
            answer: Any = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            found: Item | None = answer.get("Item")
            return found

    def _holds(self, write: Any) -> bool:
        """Makes a conditional write. Returns whether its condition held."""
        try:
            write()
        except ClientError as error:
            if error.response["Error"]["Code"] == NOT_NEWER or came_second(error):
                return False
            raise
        return True

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """StoreUnavailable for what may pass; an item that is never accepted is an error."""
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] in INVALID:
                raise
            raise StoreUnavailable(f"{self._table}: {error}") from error
        except BotoCoreError as error:
            raise StoreUnavailable(f"{self._table}: {error}") from error


def key(kind: str, name: str) -> Item:
    """The key of an item."""
    return {HASH: {"S": f"{kind}#{name}"}, RANGE: {"S": kind}}


def disabled_key(destination: str) -> Item:
    """The key of the item that disables a destination."""
    return key(_DESTINATION, destination)


def slots(day: str) -> list[str]:
    """The keys of a day (YYYY-MM-DD) in the index of days."""
    return [f"{day}#{number:02}" for number in range(SLOTS)]


def item(decision: Decision) -> Item:
    """A decision as it is stored."""
    slot = hashlib.sha256(decision.id.encode()).digest()[0] % SLOTS
    texts = {
        "id": decision.id,
        "kind": decision.kind,
        "channel": decision.channel,
        "customer": decision.customer,
        "body": decision.body,
        "outcome": str(decision.outcome),
        "slot": slots(f"{decision.decided_at:%Y-%m-%d}")[slot],
        **decision.place._asdict(),
    }
    stored: Item = {
        **key(_ACTION, decision.id),
        **{name: {"S": text} for name, text in texts.items()},
        "occurred_at": _millis(decision.occurred_at),
        "decided_at": _millis(decision.decided_at),
        "due_at": _millis(decision.due_at),
        "expires": _seconds(decision.expires),
    }
    for destination, state in decision.states.items():
        stored |= _attributes(destination, state)
    return stored


def decision(item: Item) -> Decision:
    """The decision of a stored item."""
    names = [name.removesuffix(_STATUS) for name in item if name.endswith(_STATUS)]
    return Decision(
        id=item["id"]["S"],
        kind=item["kind"]["S"],
        channel=item["channel"]["S"],
        customer=item["customer"]["S"],
        occurred_at=_instant(item["occurred_at"]),
        body=item["body"]["S"],
        place=Place(*(item[name]["S"] for name in Place._fields)),
        outcome=Outcome(item["outcome"]["S"]),
        decided_at=_instant(item["decided_at"]),
        due_at=_instant(item["due_at"]),
        expires=instants.from_millis(int(item["expires"]["N"]) * 1000),
        states={name: _state(name, item) for name in names},
    )


def _attributes(destination: str, state: State) -> Item:
    attributes: Item = {
        "attempt": {"N": str(state.attempt)},
        "tries": {"N": str(state.tries)},
        "status": {"S": str(state.status)},
        "owner": {"S": state.owner},
        "error": {"S": state.error},
    }
    for name, time in (("since", state.since), ("due", state.due), ("at", state.at)):
        if time is not None:
            attributes[name] = _millis(time)
    return {f"{destination}_{name}": value for name, value in attributes.items()}


def _state(destination: str, item: Item) -> State:
    own = {n.removeprefix(f"{destination}_"): v for n, v in item.items()}
    return State(
        attempt=int(own["attempt"]["N"]),
        tries=int(own["tries"]["N"]),
        since=_instant(own["since"]) if "since" in own else None,
        due=_instant(own["due"]) if "due" in own else None,
        status=Status(own["status"]["S"]),
        owner=own["owner"]["S"],
        error=own["error"]["S"],
        at=_instant(own["at"]) if "at" in own else None,
    )


def _customer(customer: str, version: int, times: Times, expires: datetime) -> Item:
    return {
        **key(_CUSTOMER, customer),
        "planned": {"M": {id_: _millis(time) for id_, time in times.planned.items()}},
        "handed": {"M": {id_: _millis(time) for id_, time in times.handed.items()}},
        "version": {"N": str(version)},
        "expires": _seconds(expires),
    }


def _times(item: Item) -> Times:
    """The times of a stored item; one that has only a list of times is of an earlier version."""
    if "times" in item:
        planned = {f"#{number}": _instant(t) for number, t in enumerate(item["times"]["L"])}
        return Times(planned, {}, int(item["version"]["N"]))
    planned, handed = (
        {id_: _instant(time) for id_, time in item[name]["M"].items()}
        for name in ("planned", "handed")
    )
    return Times(planned, handed, int(item["version"]["N"]))


def _millis(time: datetime) -> dict[str, str]:
    return {"N": str(instants.to_millis(time))}


def _seconds(time: datetime) -> dict[str, str]:
    """As DynamoDB expires items."""
    return {"N": str(instants.to_millis(time) // 1000)}


def _instant(value: Mapping[str, Any]) -> datetime:
    return instants.from_millis(int(value["N"]))
