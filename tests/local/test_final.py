"""With no traffic at all, buckets become final and keys close when the heartbeat says so.

What has closed stays closed: a restart does not forget what is late.
"""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.local.driver import Auctions, Driver, auctions, wait_until
from tests.local.machine import Machine


@pytest.fixture(scope="module")
def made(driver: Driver) -> Auctions:
    """Auctions that are almost late, without their clicks."""
    made = auctions(6, at=datetime.now(UTC) - timedelta(seconds=110))
    made.clicks.clear()
    driver.send(made.events)
    driver.await_totals(made.campaign, made.expected)
    return made


def test_a_bucket_becomes_final_and_a_key_closes_with_heartbeats_alone(
    driver: Driver, made: Auctions
) -> None:
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


def test_closed_auctions_sent_again_right_after_a_kill_count_nothing(
    driver: Driver, machine: Machine, made: Auctions
) -> None:
    """The first records that the restarted job reads are repetitions of what it has decided."""
    machine.kill_flink()
    driver.send(made.events)
    again = {e["event_id"]: e for e in made.events}

    def letters() -> list[dict[str, object]]:
        return [r for r in driver.records("dead-letters") if r.get("event_id") in again]

    wait_until(
        lambda: len(letters()) == len(again), 240, lambda: f"{len(letters())} of {len(again)}"
    )
    assert {r["reason"] for r in letters()} == {"late"}
    assert driver.totals(made.campaign) == made.expected
