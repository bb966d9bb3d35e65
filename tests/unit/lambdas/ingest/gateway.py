"""API Gateway in front of the ingestion API, with a stream in memory behind it."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import usecases
from glue import Catalog
from lambdas.ingest.app import create_app
from lambdas.ingest.handler import compose
from lambdas.ports.stream import Entry

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
BID = {"tx_id": "t1", "app_uid": "a1", "campaign_item_id": 7}


@dataclass
class Memory:
    """A stream that keeps what it is given; `fails` says why an entry is not stored."""

    entries: list[tuple[str, Entry]] = field(default_factory=list)
    fails: Callable[[Entry], str | None] = lambda entry: None

    def put(self, stream: str, entries: Sequence[Entry]) -> list[str | None]:
        reasons = [self.fails(entry) for entry in entries]
        kept = zip(entries, reasons, strict=True)
        self.entries += [(stream, entry) for entry, reason in kept if reason is None]
        return reasons

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(entry.data) for _, entry in self.entries]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def error(self) -> dict[str, str]:
        """Of the only record."""
        (result,) = self.body["results"]
        assert result["status"] == "rejected"
        error: dict[str, str] = result["error"]
        return error


class Gateway:
    def __init__(self, catalog: Catalog | None = None, **parameters: str) -> None:
        self.stream = Memory()
        catalog = catalog or usecases.load()
        app = create_app(
            catalog=catalog,
            stream=self.stream,
            clock=lambda: NOW,
            parameters=catalog.configured(parameters),
        )
        self._respond = compose(app)

    def post(
        self,
        path: str,
        body: Any,
        content_type: str | None = "application/json",
        encoding: str | None = None,
    ) -> Answer:
        """`body`: bytes go as base64, text as it is, anything else as JSON."""
        return self.request("POST", path, body, content_type, encoding)

    def request(
        self,
        method: str,
        path: str,
        body: Any = "",
        content_type: str | None = None,
        encoding: str | None = None,
    ) -> Answer:
        path, _, query = path.partition("?")
        pairs = parse_qs(query, keep_blank_values=True)
        is_bytes = isinstance(body, bytes)
        text = body if isinstance(body, str) else None if is_bytes else json.dumps(body)
        headers = {"Host": "api.example.com", "Origin": "https://page.example"}
        if content_type is not None:
            headers["Content-Type"] = content_type
        if encoding is not None:
            headers["Content-Encoding"] = encoding
        event = {
            "resource": "/{proxy+}",
            "path": path,
            "httpMethod": method,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": {name: found[-1] for name, found in pairs.items()} or None,
            "multiValueQueryStringParameters": pairs or None,
            "requestContext": {"stage": "v1", "path": f"/v1{path}", "httpMethod": method},
            "body": base64.b64encode(body).decode() if is_bytes else text,
            "isBase64Encoded": is_bytes,
        }
        answer = self._respond(event, None)
        assert not answer["isBase64Encoded"]
        body = json.loads(answer["body"]) if answer["body"] else {}
        return Answer(answer["statusCode"], answer["headers"], body)
