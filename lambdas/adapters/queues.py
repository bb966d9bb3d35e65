"""SQS: messages of deliveries, up to ten a call, each with its own delay."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
import orjson
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.ports.actions import Message

CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 4})
MAX_MESSAGES = 10


class SqsQueues:
    """The `Queues` port. `urls`: destination → URL of its queue."""

    def __init__(self, urls: Mapping[str, str], client: Any = None) -> None:
        self._urls = urls
        self._client: Any = client or boto3.client("sqs", config=CONFIG)

    def put(self, destination: str, messages: Sequence[Message]) -> list[str | None]:
        """Enqueue. Returns, per message, None or the reason why it was not enqueued."""
        reasons: list[str | None] = []
        for start in range(0, len(messages), MAX_MESSAGES):
            reasons += self._send(destination, messages[start : start + MAX_MESSAGES])
        return reasons

    def _send(self, destination: str, messages: Sequence[Message]) -> list[str | None]:
        entries = [_entry(number, message) for number, message in enumerate(messages)]
        try:
            answer = self._client.send_message_batch(
                QueueUrl=self._urls[destination], Entries=entries
            )
        except (ClientError, BotoCoreError) as error:
            return [str(error)] * len(messages)
        failed = {f["Id"]: str(f.get("Message") or f["Code"]) for f in answer.get("Failed", ())}
        return [failed.get(entry["Id"]) for entry in entries]


def _entry(number: int, message: Message) -> dict[str, Any]:
    return {
        "Id": str(number),
        "MessageBody": orjson.dumps({"id": message.id, "attempt": message.attempt}).decode(),
        "DelaySeconds": math.ceil(message.delay.total_seconds()),
    }
