"""The public API as a function calls it: with its own key, and bounded in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from lambdas.adapters.ingestion import PublicApi
from lambdas.replaying import Unanswered

URL = "https://a1b2c3d4.execute-api.eu-west-1.amazonaws.com/v1"


@dataclass
class Gateway:
    """Answers 202 to the current key, and 403 to others; remembers what it received."""

    key: str = "k1"
    received: list[tuple[str, str, bytes]] = field(default_factory=list)
    ended: Event = field(default_factory=Event)
    slow: bool = False
    keys_read: int = 0
    address: str = ""

    def get_api_key(self, **request: Any) -> dict[str, str]:
        """As API Gateway's client has it."""
        assert request == {"apiKey": "id", "includeValue": True}
        self.keys_read += 1
        return {"value": self.key}

    def answer(self, handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str]]:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        self.received.append((handler.path, handler.headers["content-type"], body))
        if self.slow:
            self.ended.wait(30)
        known = handler.headers["x-api-key"] == self.key
        return (429, {"Retry-After": "3"}) if body == b"many" else (202 if known else 403, {})


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    found = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, headers = found.answer(self)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    found.address = f"http://127.0.0.1:{server.server_address[1]}/_aws/execute-api"
    try:
        yield found
    finally:
        found.ended.set()
        server.shutdown()
        server.server_close()


def test_a_record_is_posted_as_ndjson_with_the_key_that_was_read_once(gateway: Gateway) -> None:
    api = PublicApi(URL, "id", gateway.address, gateway)
    assert [api.post(b"{}", 5).status for _ in range(2)] == [202, 202]
    assert gateway.keys_read == 1
    path = "/_aws/execute-api/a1b2c3d4/v1/events"
    assert gateway.received == [(path, "application/x-ndjson", b"{}")] * 2


def test_a_key_that_was_replaced_is_read_again(gateway: Gateway) -> None:
    api = PublicApi(URL, "id", gateway.address, gateway)
    api.post(b"{}", 5)
    gateway.key = "k2"
    assert [api.post(b"{}", 5).status for _ in range(2)] == [403, 202]


def test_the_time_that_the_api_asks_for_is_read(gateway: Gateway) -> None:
    api = PublicApi(URL, "id", gateway.address, gateway)
    assert api.post(b"many", 5).retry_after == 3.0


def test_what_is_not_answered_is_said_to_be_so(gateway: Gateway) -> None:
    api = PublicApi(URL, "id", gateway.address, gateway)
    gateway.slow = True
    with pytest.raises(Unanswered, match="TimeoutError"):
        api.post(b"{}", 0.2)
    with pytest.raises(Unanswered, match="ConnectionRefusedError"):
        PublicApi(URL, "id", "http://127.0.0.1:1", gateway).post(b"{}", 1)

    class NoKeys:
        def get_api_key(self, **_: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="x")

    with pytest.raises(Unanswered, match="the key of the API cannot be read"):
        PublicApi(URL, "id", gateway.address, NoKeys()).post(b"{}", 1)
