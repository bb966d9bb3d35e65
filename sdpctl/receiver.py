"""A receiver of webhooks on this machine that verifies each and shows what arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import orjson
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

MAX_BYTES = 1_000_000


class Arrival(NamedTuple):
    """One webhook: its id, its action, and why it was refused, if it was."""

    id: str
    action: Mapping[str, Any]
    refused: str | None
    repeated: bool


class Receiver:
    """Answers 204 to a webhook that one of the keys has signed, 401 to any other.

    `show` is called with each; `status` is answered instead of 204, to try what happens then.
    """

    def __init__(
        self, keys: Sequence[str], show: Callable[[Arrival], None], status: int = 204
    ) -> None:
        self._keys, self._show, self._status = keys, show, status
        self._known: set[str] = set()

    def receive(self, body: bytes, headers: Mapping[str, str]) -> int:
        """The status to answer a request with."""
        refused = self._verify(body, dict(headers))
        id_ = headers.get("webhook-id", "")
        repeated = id_ in self._known
        if refused is None:
            self._known.add(id_)
        self._show(Arrival(id_, {} if refused else _action(body), refused, repeated))
        return 401 if refused else self._status

    def _verify(self, body: bytes, headers: dict[str, str]) -> str | None:
        reasons = []
        for key in self._keys:
            try:
                Webhook(key).verify(body, headers, json_parse=False)
            except (WebhookVerificationError, ValueError) as error:
                reasons.append(str(error))
            else:
                return None
        return reasons[0] if reasons else "there is no key to verify with"

    def server(self, port: int) -> ThreadingHTTPServer:
        """An HTTP server on 127.0.0.1."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_POST(self) -> None:
                length = self.headers.get("content-length", "")
                if not length.isdigit() or int(length) > MAX_BYTES:
                    self.send_error(413)
                    return
                body = self.rfile.read(int(length))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver.receive(body, headers))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def _action(body: bytes) -> Mapping[str, Any]:
    try:
        action = orjson.loads(body)["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    return action if isinstance(action, dict) else {}
