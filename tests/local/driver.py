"""What a user does to the running platform, in the words of the tests."""

from __future__ import annotations

import base64
import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import httpx
from botocore.config import Config

from tests import streams

Event = dict[str, Any]
# Making a client takes longer than ten requests. The platform is restarted: no connection is kept.
HTTP = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
UNAVAILABLE = (503, 504)  # of API Gateway, and of CloudFront
_campaigns = itertools.count(int(time.time()) % 100_000 * 1_000)


@dataclass(frozen=True)
class Driver:
    """Calls the deployed APIs; `endpoint` is the emulator's, for what users cannot do."""

    api: str
    reports: str
    key: str
    endpoint: str
    prefix: str = "sdp-adtech-"

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        """POST a body (bytes as they are, else as JSON) with the API key."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"x-api-key": self.key, "content-type": "application/json", **(headers or {})}
        return HTTP.post(f"{self.api}/{path}", content=content, headers=sent)

    def send(self, events: Iterable[Event], batch: int = 500) -> None:
        """Send events in order; every one must be accepted."""
        for part in batches(events, batch):
            answer = self.post("events", part)
            assert answer.status_code == 202, answer.text

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        """GET a report."""
        return HTTP.get(
            f"{self.reports}/reports/{path}", params=parameters, headers={"x-api-key": self.key}
        )

    def totals(self, campaign: int) -> dict[str, int]:
        """The four counts of a campaign, zeros while it is unknown."""
        answer = self.get(f"campaigns/{campaign}")
        found = answer.json() if answer.status_code == 200 else {}
        return {name: found.get(name, 0) for name in ("bids", "impressions", "clicks", "spend")}

    def await_totals(self, campaign: int, expected: dict[str, int], seconds: float = 120) -> None:
        """Wait for exactly these counts; then see that nothing is added to them."""
        wait_until(
            lambda: self.totals(campaign) == expected,
            seconds,
            lambda: f"campaign {campaign}: {self.totals(campaign)}, expected {expected}",
        )

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator."""
        return _client(self.endpoint, service)

    def heartbeat(self) -> None:
        """Invoke the heartbeat function now instead of at the full minute."""
        self.invoke("HeartbeatFunction")

    def invoke(self, part: str, event: Any = None) -> None:
        """Invoke the function whose name has this part, by default with what its schedule sends."""
        functions = self.client("lambda")
        name = next(
            f["FunctionName"]
            for page in functions.get_paginator("list_functions").paginate()
            for f in page["Functions"]
            if part in f["FunctionName"]
        )
        payload = json.dumps(event or {}).encode()
        answer = functions.invoke(FunctionName=name, Payload=payload)
        assert "FunctionError" not in answer, answer["Payload"].read()

    def records(self, stream: str) -> Iterator[dict[str, Any]]:
        """Every record a stream holds now, decoded from JSON."""
        yield from streams.rows(self.client("kinesis"), self.prefix + stream)

    def dead_letter(self, payload: bytes, seconds: float = 60) -> dict[str, Any]:
        """Wait for the dead letter that carries these original bytes."""
        encoded = base64.b64encode(payload).decode()
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [r for r in self.records("dead-letters") if r.get("payload") == encoded]
            return bool(found)

        wait_until(look, seconds, lambda: f"no dead letter with payload {payload[:80]!r}")
        return found[0]


@cache
def _client(endpoint: str, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        # A shard serves five reads a second to everybody, this client included.
        config=Config(retries={"total_max_attempts": 10, "mode": "standard"}),
    )


def answered(url: str, **options: Any) -> httpx.Response:
    """GET, once the function runs: its start may take longer than the gateway waits for it."""
    found = [HTTP.get(url, **options)]

    def other_than_unavailable() -> bool:
        if found[-1].status_code in UNAVAILABLE:
            found.append(HTTP.get(url, **options))
        return found[-1].status_code not in UNAVAILABLE

    wait_until(other_than_unavailable, 180, lambda: found[-1].text)
    return found[-1]


def wait_until(condition: Callable[[], bool], seconds: float, describe: Callable[[], str]) -> None:
    """Poll until the condition holds; fail with its description after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s: {describe()}")
        time.sleep(0.5)


def batches(events: Iterable[Event], size: int) -> Iterator[list[Event]]:
    """Consecutive lists of at most `size` events."""
    iterator = iter(events)
    while part := list(itertools.islice(iterator, size)):
        yield part


@dataclass(frozen=True)
class Auctions:
    """Some auctions of one new campaign and what its report must say."""

    campaign: int
    bids: list[Event]
    impressions: list[Event]
    clicks: list[Event]

    @property
    def events(self) -> list[Event]:
        """All events, auction steps in their natural order."""
        return [*self.bids, *self.impressions, *self.clicks]

    @property
    def expected(self) -> dict[str, int]:
        """The counts of the report."""
        return {
            "bids": len(self.bids),
            "impressions": len(self.impressions),
            "clicks": len(self.clicks),
            "spend": sum(e["win_price"] for e in self.impressions),
        }


def auctions(count: int, at: datetime | None = None, campaign: int | None = None) -> Auctions:
    """`count` auctions, half of them won, a sixth clicked, all around `at` (default: now).

    They are of a new campaign, or of the given one.
    """
    campaign, run = campaign or next(_campaigns), uuid.uuid4().hex[:12]
    start = at or datetime.now(UTC)

    def event(kind: str, n: int, **fields: Any) -> Event:
        moment = start + timedelta(milliseconds=n % 1000)
        return {
            "type": kind,
            "event_id": f"{run}-{kind}-{n}",
            "tx_id": f"{run}-{n}",
            "occurred_at": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **fields,
        }

    bids = [
        event("bid", n, app_uid="app-1", campaign_item_id=campaign, win_price=100 + n)
        for n in range(count)
    ]
    impressions = [event("imp", n, win_price=90 + n) for n in range(0, count, 2)]
    clicks = [event("click", n) for n in range(0, count, 6)]
    return Auctions(campaign, bids, impressions, clicks)
