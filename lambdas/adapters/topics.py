"""SNS as a destination: PublishBatch, up to ten messages and 256 KB a call, each with its result.

https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
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


class Topic:
    """The `Destination` of a topic; subscribers filter by the attributes `kind` and `channel`."""

    name = "topic"

    def __init__(self, arn: str, client: Any = None) -> None:
        config = Config(
            connect_timeout=2, read_timeout=8, retries={"mode": "standard", "max_attempts": 1}
        )
        self.address = arn
        self._client: Any = client or boto3.client("sns", config=config)

    def send(self, actions: Sequence[Decision]) -> list[Failure | None]:
        """One attempt for each action."""
        entries = [_entry(number, action) for number, action in enumerate(actions)]
        results: list[Failure | None] = []
        for batch in batches(entries, MAX_ENTRIES, MAX_BYTES, _size):
            results += self._publish(batch)
        return results

    def _publish(self, entries: Sequence[dict[str, Any]]) -> list[Failure | None]:
        try:
            answer = self._client.publish_batch(
                TopicArn=self.address, PublishBatchRequestEntries=entries
            )
        except (ClientError, BotoCoreError) as error:
            return [Failure(str(error))] * len(entries)
        failed = {f["Id"]: f"{f['Code']}: {f.get('Message', '')}" for f in answer.get("Failed", ())}
        return [
            Failure(failed[entry["Id"]]) if entry["Id"] in failed else None for entry in entries
        ]


def _entry(number: int, action: Decision) -> dict[str, Any]:
    attributes = {"id": action.id, "kind": action.kind, "channel": action.channel}
    return {
        "Id": str(number),
        "Message": action.body,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in attributes.items()
            if value  # SNS refuses an empty one
        },
    }


def _size(entry: dict[str, Any]) -> int:
    attributes = entry["MessageAttributes"].items()
    own = sum(len(n) + len("String") + len(a["StringValue"].encode()) for n, a in attributes)
    return len(entry["Message"].encode()) + own
