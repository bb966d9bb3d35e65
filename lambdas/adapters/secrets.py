"""The signing keys of a webhook, from Secrets Manager.

The secret is a JSON object: `current`, and after a rotation `previous` until `previous_until`
(RFC 3339). Keys are as in Standard Webhooks, base64 with or without the prefix `whsec_`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import boto3
import orjson
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from glue import instants
from lambdas.ports.actions import StoreUnavailable

_CACHED = timedelta(minutes=1)


class SigningKeys:
    """Reads the secret at most once a minute; while it cannot be read, the last one is used."""

    def __init__(self, secret: str, clock: Callable[[], datetime], client: Any = None) -> None:
        config = Config(
            connect_timeout=2, read_timeout=3, retries={"mode": "standard", "max_attempts": 2}
        )
        self._secret, self._clock = secret, clock
        self._client: Any = client or boto3.client("secretsmanager", config=config)
        self._document: dict[str, Any] | None = None
        self._read_at: datetime | None = None

    def __call__(self) -> list[str]:
        """The valid keys, the current one first. Raises StoreUnavailable."""
        now = self._clock()
        if self._read_at is None or now - self._read_at > _CACHED:
            self._read(now)
        assert self._document is not None
        return valid_keys(self._document, now)

    def _read(self, now: datetime) -> None:
        try:
            answer = self._client.get_secret_value(SecretId=self._secret)
            self._document = orjson.loads(answer["SecretString"])
            self._read_at = now
        except (ClientError, BotoCoreError) as error:
            if self._document is None:
                raise StoreUnavailable(f"{self._secret}: {error}") from error


def valid_keys(document: dict[str, Any], now: datetime) -> list[str]:
    """The keys that are valid at this time, the current one first."""
    keys = [str(document["current"])]
    previous, until = document.get("previous"), document.get("previous_until")
    if previous and until and now < instants.parse(until):
        keys.append(str(previous))
    return keys
