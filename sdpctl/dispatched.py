"""The actions of a deployment: listed, sent again, and the keys that sign them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from botocore.exceptions import ClientError

from glue import instants
from infra.topology import Dispatch
from lambdas.adapters.action_log import DynamoActionLog
from lambdas.adapters.actions import DynamoActions, disabled_key
from lambdas.adapters.queues import SqsQueues
from lambdas.ports.actions import Decision, Message, State, Status
from sdpctl.errors import CommandError

KEY_BYTES = 24
PREFIX = "whsec_"


@dataclass(frozen=True)
class Dispatched:
    """One use case's actions; clients of DynamoDB, SQS and Secrets Manager."""

    dispatch: Dispatch
    tables: Any
    queues: Any
    secrets: Any

    def newest(self, customer: str | None, since: datetime, now: datetime) -> Iterator[Decision]:
        """Actions decided since then, newest first; of one customer or of all."""
        return DynamoActionLog(self.dispatch.name, self.tables).newest(customer, since, now)

    def action(self, id_: str) -> Decision:
        """The action of that id. Raises CommandError if there is none."""
        found = self._store.action(id_)
        if found is None:
            raise CommandError(
                f"{id_}: unknown action; './sdp actions' lists them, and each is kept for at least "
                "30 days"
            )
        return found

    def resend(self, action: Decision, destination: str, now: datetime) -> bool:
        """Send it again, with its id and body. False if its state has changed meanwhile."""
        before = action.states[destination]
        attempt = before.attempt + 1
        pending = State(attempt=attempt, since=now, due=now, at=before.at, error=before.error)
        if not self._store.restart(action.id, destination, before, pending):
            return False
        url = self.queues.get_queue_url(QueueName=self.dispatch.queue(destination))["QueueUrl"]
        queues = SqsQueues({destination: url}, self.queues)
        (reason,) = queues.put(destination, [Message(action.id, attempt)])
        if reason:
            raise CommandError(
                f"{action.id}: {reason}; './sdp actions resend --pending' tries again"
            )
        return True

    def enable(self) -> bool:
        """Send to a webhook that answered 410 again. False if it was not disabled."""
        key = disabled_key("webhook")
        removed = self.tables.delete_item(
            TableName=self.dispatch.name, Key=key, ReturnValues="ALL_OLD"
        )
        return "Attributes" in removed

    def keys(self) -> dict[str, Any]:
        """The signing keys as they are stored. Raises CommandError if there is no webhook."""
        try:
            stored = self.secrets.get_secret_value(SecretId=self.dispatch.secret)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raise CommandError(
                f"{self.dispatch.use_case} has no webhook: deploy it with ActionWebhook"
            ) from error
        document: dict[str, Any] = orjson.loads(stored["SecretString"])
        return document

    def rotate(self, overlap: timedelta, now: datetime) -> str:
        """Sign with a new key, and until `overlap` has passed with the former one too."""
        key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        document = {
            "current": key,
            "previous": self.keys()["current"],
            "previous_until": instants.to_wire(now + overlap),
        }
        self.secrets.put_secret_value(
            SecretId=self.dispatch.secret, SecretString=orjson.dumps(document).decode()
        )
        return shown(key)

    @property
    def _store(self) -> DynamoActions:
        return DynamoActions(self.dispatch.name, self.tables)


def shown(key: str) -> str:
    """A key as receivers' libraries take it."""
    return key if key.startswith(PREFIX) else PREFIX + key


def to_resend(action: Decision, destination: str | None, *, pending: bool) -> list[str]:
    """The destinations of an action that it can be sent to again."""
    states = {Status.DEAD, Status.PENDING} if pending else {Status.DEAD}
    return [
        name
        for name, state in action.states.items()
        if state.status in states and destination in (None, name)
    ]
