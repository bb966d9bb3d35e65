"""EventBridge as a destination: PutEvents, up to ten entries and 256 KB a call.

The answer is 200 with some entries failed; each action has its own result.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.adapters.batches import batches
from lambdas.ports.actions import Decision, Failure

MAX_ENTRIES, MAX_BYTES = 10, 256 * 1024
_TIME_BYTES = 14  # what EventBridge counts for an entry's time


class EventBus:
    """The `Destination` of an event bus; the detail of an event is the action's body."""

    name = "bus"

    def __init__(self, use_case: str, bus: str, client: Any = None) -> None:
        config = Config(
            connect_timeout=2, read_timeout=8, retries={"mode": "standard", "max_attempts": 1}
        )
        self._source = f"sdp.{use_case}"
        self.address = bus
        self._client: Any = client or boto3.client("events", config=config)

    def send(self, actions: Sequence[Decision]) -> list[Failure | None]:
        """One attempt for each action."""
        entries = [self._entry(action) for action in actions]
        results: list[Failure | None] = []
        for batch in batches(entries, MAX_ENTRIES, MAX_BYTES, _size):
            results += self._put(batch)
        return results

    def _put(self, entries: Sequence[dict[str, Any]]) -> list[Failure | None]:
        try:
            answer = self._client.put_events(Entries=entries)
        except (ClientError, BotoCoreError) as error:
            return [Failure(str(error))] * len(entries)
        return [_failure(entry) for entry in answer["Entries"]]

    def _entry(self, action: Decision) -> dict[str, Any]:
        return {
            "EventBusName": self.address,
            "Source": self._source,
            "DetailType": "action",
            "Time": action.occurred_at,
            "Detail": action.body,
        }


def _failure(answer: dict[str, Any]) -> Failure | None:
    code = answer.get("ErrorCode")
    return Failure(f"{code}: {answer.get('ErrorMessage', '')}") if code else None


def _size(entry: dict[str, Any]) -> int:
    texts = (entry["Source"], entry["DetailType"], entry["Detail"])
    return _TIME_BYTES + sum(len(text.encode()) for text in texts)
