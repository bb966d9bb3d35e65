"""From POST to the number in the report: steady events, one after the other.

    .venv/dev/bin/python -m bench.latency --rate 50 --seconds 60

Needs a running platform (`make up`). Each probe is a bid of a campaign of its own; its latency is
the time from the POST until the report first shows it. Prints p50, p95, p99 and the maximum.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx

from bench import deployed
from sdpctl.local.outputs import Outputs


def bid(campaign: int) -> dict[str, Any]:
    """A bid that happens now."""
    return {
        "tx_id": uuid.uuid4().hex,
        "app_uid": "bench",
        "campaign_item_id": campaign,
        "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def load(api: httpx.Client, url: str, rate: float, stop: threading.Event) -> None:
    """Post `rate` single events per second until stopped."""
    due = time.monotonic()
    while not stop.is_set():
        api.post(f"{url}/bid", json=bid(1)).raise_for_status()
        due += 1 / rate
        stop.wait(max(0.0, due - time.monotonic()))


def probe(client: httpx.Client, found: Outputs, campaign: int) -> float:
    """Seconds from the POST of one bid until its campaign's report shows it."""
    start = time.monotonic()
    client.post(f"{found.url_for_api}/bid", json=bid(campaign)).raise_for_status()
    while time.monotonic() - start < 60:
        answer = client.get(f"{found.url_for_reports}/reports/campaigns/{campaign}")
        if answer.status_code == 200:
            return time.monotonic() - start
        time.sleep(0.05)
    raise SystemExit(f"campaign {campaign} did not show within 60 s")


def main() -> None:
    """Run the steady load beside the probes and print the percentiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50, help="events a second")
    parser.add_argument("--seconds", type=float, default=60, help="how long to measure")
    options = parser.parse_args()
    found = deployed.platform()
    headers = {"x-api-key": found.api_key}
    stop = threading.Event()
    with httpx.Client(headers=headers, timeout=60) as client:
        senders = [
            threading.Thread(target=load, args=(client, found.url_for_api, options.rate / 4, stop))
            for _ in range(4)
        ]
        for sender in senders:
            sender.start()
        latencies: list[float] = []
        base, end = int(time.time()) * 1000, time.monotonic() + options.seconds
        while time.monotonic() < end:
            latencies.append(probe(client, found, base + len(latencies)))
        stop.set()
        for sender in senders:
            sender.join()
    cuts = statistics.quantiles(latencies, n=100)
    print(
        f"{len(latencies)} probes beside {options.rate:.0f} events/s: "
        f"p50 {cuts[49]:.2f} s, p95 {cuts[94]:.2f} s, p99 {cuts[98]:.2f} s, "
        f"max {max(latencies):.2f} s"
    )


if __name__ == "__main__":
    main()
