"""The public ingestion API, with a key that API Gateway keeps and this function may read."""

from __future__ import annotations

import http.client
import ssl
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.replaying import NDJSON, Answer, Unanswered

CONFIG = Config(
    connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3}
)


class PublicApi:
    """`post` is the `Post` of a Door.

    `url` is the API's with its stage, `key_id` names its key. `endpoint`, where execute-api is
    elsewhere: the API is then `{endpoint}/{API's id}/{stage}`.
    """

    def __init__(self, url: str, key_id: str, endpoint: str = "", client: Any = None) -> None:
        parts = urlsplit(url)
        api = (parts.hostname or "").partition(".")[0]
        self._url = f"{endpoint}/{api}{parts.path}/events" if endpoint else f"{url}/events"
        self._key_id, self._key = key_id, ""
        self._client: Any = client or boto3.client("apigateway", config=CONFIG)

    def post(self, record: bytes, seconds: float) -> Answer:
        """Sends one record. Raises Unanswered."""
        try:
            answer = self._post(record, seconds)
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(f"{type(error).__name__}: {error}") from error
        if answer.status == 403:
            self._key = ""  # it may have been replaced
        return answer

    def _post(self, record: bytes, seconds: float) -> Answer:
        parts = urlsplit(self._url)
        connection = _connection(parts.scheme, parts.netloc, seconds)
        try:
            headers = {**NDJSON, "x-api-key": self._read_key()}
            connection.request("POST", parts.path, record, headers)
            response = connection.getresponse()
            after = response.getheader("retry-after") or ""
            wait = float(after) if after.isascii() and after.isdigit() else None
            return Answer(response.status, response.read(), wait)
        finally:
            connection.close()

    def _read_key(self) -> str:
        if not self._key:
            try:
                found = self._client.get_api_key(apiKey=self._key_id, includeValue=True)
            except (ClientError, BotoCoreError) as error:
                raise Unanswered(f"the key of the API cannot be read: {error}") from error
            self._key = str(found["value"])
        return self._key


def _connection(scheme: str, host: str, seconds: float) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, timeout=seconds, context=context)
    return http.client.HTTPConnection(host, timeout=seconds)
