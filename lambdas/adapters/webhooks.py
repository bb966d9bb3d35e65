"""HTTP POST to a receiver that is not trusted.

No redirect is followed, no proxy is used, and the address that was checked is the one that is
connected to, so that a name cannot point elsewhere in between (SSRF). Once connected, the whole
exchange ends within `seconds`, also if the receiver sends a byte at a time.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Timer
from urllib.parse import urlsplit

from lambdas.ports.actions import Decision, Failure, StoreUnavailable

WORKERS = 10
SECONDS = 10.0
GONE = 410
_NAT64 = ip_network("64:ff9b::/96")
Resolve = Callable[[str, int], Sequence[str]]
Headers = Callable[[Decision], Mapping[str, str]]


class WebhookError(OSError):
    """The URL or its address is not one that actions are sent to."""


class Webhook:
    """The `Destination` of a URL. `public`: only https, and only addresses of the internet."""

    name = "webhook"

    def __init__(
        self,
        url: str,
        headers: Headers,
        *,
        public: bool = True,
        seconds: float = SECONDS,
        resolve: Resolve | None = None,
    ) -> None:
        self.address = url
        self._headers, self._public, self._seconds = headers, public, seconds
        self._resolve = resolve or addresses

    def send(self, actions: Sequence[Decision]) -> list[Failure | None]:
        """One attempt for each action, all at once."""
        with ThreadPoolExecutor(max_workers=WORKERS) as pool:
            return list(pool.map(self._attempt, actions))

    def _attempt(self, action: Decision) -> Failure | None:
        received = False
        try:
            headers = self._headers(action)
            with self._connected() as connection:
                received = True  # from here on it may be
                status, retry_after = self._post(connection, action.body.encode(), headers)
        except (OSError, ValueError, http.client.HTTPException, StoreUnavailable) as error:
            return Failure(f"{type(error).__name__}: {error}", received=received)
        if 200 <= status < 300:
            return None
        return Failure(f"HTTP {status}", retry_after, gone=status == GONE)

    @contextmanager
    def _connected(self) -> Iterator[_Plain]:
        """A connection that is ended after the longest time of an exchange."""
        connection = self._connection()
        timer = Timer(self._seconds, _shut, [connection])
        timer.daemon = True
        try:
            connection.connect()
            timer.start()
            connection.handshake()
            yield connection
        finally:
            timer.cancel()
            connection.close()

    def _post(
        self, connection: _Plain, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, timedelta | None]:
        own = {"content-type": "application/json", "user-agent": "sdp-dispatch/1"}
        connection.request("POST", _target(self.address), body, {**own, **headers})
        answer = connection.getresponse()
        return answer.status, _retry_after(answer.getheader("retry-after"))

    def _connection(self) -> _Plain:
        parts = urlsplit(self.address)
        host, secure = parts.hostname or "", parts.scheme == "https"
        if self._public and not secure:
            raise WebhookError("only https is allowed")
        port = parts.port or (443 if secure else 80)
        address = self._checked(self._resolve(host, port))
        kind = _Secure if secure else _Plain
        return kind(host, port, address, self._seconds)

    def _checked(self, found: Sequence[str]) -> str:
        """The address to connect to; none is one of a private network."""
        if not found:
            raise WebhookError("the host has no address")
        for address in found:
            if self._public and not is_public(address):
                raise WebhookError(f"{address} is not an address of the internet")
        return found[0]


class _Plain(http.client.HTTPConnection):
    """Connects to the address that was checked; the host stays in the header."""

    def __init__(self, host: str, port: int, address: str, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)

    def handshake(self) -> None:
        """Nothing, without TLS."""


class _Secure(_Plain):
    default_port = http.client.HTTPS_PORT

    def handshake(self) -> None:
        context = ssl.create_default_context()
        secured = context.wrap_socket(
            self.sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock = secured  # from here on the timer can end it
        secured.do_handshake()


def is_public(address: str) -> bool:
    """Whether an address is one of the internet; one that stands for another is not."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if parsed.sixtofour or parsed.teredo or parsed in _NAT64:
            return False
    return parsed.is_global and not parsed.is_multicast


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _retry_after(text: str | None) -> timedelta | None:
    """The seconds of the header; a date, which RFC 9110 also allows, is ignored."""
    if text and text.isascii() and text.isdigit() and len(text) < 7:
        return timedelta(seconds=int(text))
    return None


def _shut(connection: http.client.HTTPConnection) -> None:
    """Ends an exchange that takes too long: whoever waits for its next byte gets the end."""
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            connection.sock.close()
