"""With no traffic at all, buckets become final and keys close when the heartbeat says so.

Beside them runs test_model.py, which sends none. What has closed stays closed: a restart does not
forget what is late.
"""

import json
import time

from tests import streams
from tests.local.driver import Auctions, Driver, wait_until
from tests.local.machine import Machine


def test_a_bucket_becomes_final_and_a_key_closes_with_heartbeats_alone(
    driver: Driver, closing: Auctions
) -> None:
    wanted = {e["tx_id"] for e in closing.bids}

    def final() -> bool:
        driver.heartbeat()
        time.sleep(1)
        rows = driver.get(f"campaigns/{closing.campaign}/period", period="HOURS").json()["rows"]
        minutes = driver.get(f"campaigns/{closing.campaign}").json()["complete_through"]
        return bool(rows) and minutes is not None and minutes > closing.bids[-1]["occurred_at"]

    wait_until(final, 240, lambda: driver.get(f"campaigns/{closing.campaign}").text)

    def closed() -> list[dict[str, object]]:
        return [r for r in driver.records("transactions") if r["tx_id"] in wanted]

    wait_until(lambda: len(closed()) == 6, 240, lambda: f"{len(closed())} of 6 auctions closed")
    assert sum(bool(r["won"]) for r in closed()) == len(closing.impressions)
    assert set(_after(driver, closing)) == {"heartbeat"}


def _after(driver: Driver, made: Auctions) -> list[str]:
    """The types of what arrived after these auctions."""
    last = made.impressions[-1]["event_id"].encode()
    found = [*streams.records(driver.client("kinesis"), f"{driver.prefix}bcns")]
    arrived = "ApproximateArrivalTimestamp"
    until = max(record[arrived] for record in found if last in record["Data"])
    own = {event["event_id"].encode() for event in made.events}
    later = [r["Data"] for r in found if r[arrived] > until]
    others = [data for data in later if not any(one in data for one in own)]
    return [json.loads(data)["type"] for data in others]


def test_closed_auctions_sent_again_right_after_a_kill_count_nothing(
    driver: Driver, machine: Machine, closing: Auctions
) -> None:
    """The first records that the restarted job reads are repetitions of what it has decided."""
    machine.kill_flink()
    driver.send(closing.events)
    again = {e["event_id"]: e for e in closing.events}

    def letters() -> list[dict[str, object]]:
        return [r for r in driver.records("dead-letters") if r.get("event_id") in again]

    wait_until(
        lambda: len(letters()) == len(again), 240, lambda: f"{len(letters())} of {len(again)}"
    )
    assert {r["reason"] for r in letters()} == {"late"}
    assert driver.totals(closing.campaign) == closing.expected
