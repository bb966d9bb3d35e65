"""With no traffic at all, buckets become final and keys close when the heartbeat says so."""

import time
from datetime import UTC, datetime, timedelta

from tests.local.driver import Driver, auctions, wait_until


def test_a_bucket_becomes_final_and_a_key_closes_with_heartbeats_alone(driver: Driver) -> None:
    made = auctions(6, at=datetime.now(UTC) - timedelta(seconds=110))
    driver.send([*made.bids, *made.impressions])
    expected = {**made.expected, "clicks": 0}
    driver.await_totals(made.campaign, expected)
    wanted = {e["tx_id"] for e in made.bids}

    def final() -> bool:
        driver.heartbeat()
        time.sleep(1)
        rows = driver.get(f"campaigns/{made.campaign}/period", period="HOURS").json()["rows"]
        minutes = driver.get(f"campaigns/{made.campaign}").json()["complete_through"]
        return bool(rows) and minutes is not None and minutes > made.bids[-1]["occurred_at"]

    wait_until(final, 240, lambda: driver.get(f"campaigns/{made.campaign}").text)

    def closed() -> list[dict[str, object]]:
        return [r for r in driver.records("transactions") if r["tx_id"] in wanted]

    wait_until(lambda: len(closed()) == 6, 240, lambda: f"{len(closed())} of 6 auctions closed")
    assert sum(bool(r["won"]) for r in closed()) == len(made.impressions)
