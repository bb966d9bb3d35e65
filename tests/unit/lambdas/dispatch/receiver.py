"""A real receiver of webhooks on 127.0.0.1, which fails in every way that receivers do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from standardwebhooks.webhooks import WebhookVerificationError

from sdpctl.local.processes import free_port

GOOD, FAILS, HANGS, LATE, GONE_410, MOVED, DRIPS = (
    "good",
    "fails",
    "hangs",
    "late",
    "410",
    "moved",
    "drips",
)


class Arrival(NamedTuple):
    """One request, as it was received."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """`modes` are what the next requests meet, one each; then each is answered with 204.

    `verify` is called with body and headers as a request comes: signatures are valid for minutes.
    """

    def __init__(
        self, port: int = 0, verify: Callable[[bytes, dict[str, str]], object] | None = None
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.arrivals: list[Arrival] = []
        self.not_verified: list[str] = []
        self._verify = verify
        self.modes: list[str] = []
        self.release = threading.Event()
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Listen; until then, and after `stop`, the port refuses connections."""
        self.release.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Release whoever hangs, and close the port."""
        self.release.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def listens(self) -> bool:
        """Whether the port is open."""
        return self._server is not None

    def _received(self, arrival: Arrival) -> str:
        with self._lock:
            if self._verify:
                try:
                    self._verify(arrival.body, arrival.headers)
                except WebhookVerificationError as e:
                    self.not_verified.append(f"{e}: {arrival}")
            self.arrivals.append(arrival)
            return self.modes.pop(0) if self.modes else GOOD

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                mode = receiver._received(Arrival(self.path, headers, body))
                if mode in (HANGS, LATE) and receiver.release.wait(30):
                    return  # it is stopped: nobody answers
                if mode == DRIPS:
                    self._drip()
                    return
                status = {FAILS: 503, GONE_410: 410, MOVED: 302}.get(mode, 204)
                if mode != HANGS:
                    self._answer(status)

            def _answer(self, status: int) -> None:
                self.send_response(status)
                if status == 503:
                    self.send_header("retry-after", "120")
                if status == 302:
                    self.send_header("location", receiver.url)
                self.end_headers()

            def _drip(self) -> None:
                """A byte of the status line at a time, each well within a timeout of a read."""
                for byte in b"HTTP/1.1 200 " + b"O" * 1000:
                    if receiver.release.wait(0.02):
                        return
                    try:
                        self.wfile.write(bytes([byte]))
                    except OSError:
                        return

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def receiver(*modes: str, listens: bool = True) -> Iterator[Receiver]:
    """A receiver for one test."""
    one = Receiver()
    one.modes = list(modes)
    if listens:
        one.start()
    try:
        yield one
    finally:
        one.stop()
