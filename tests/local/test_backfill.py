"""Reports computed again from the lake are those that are live."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

from glue.instants import parse, to_wire
from sdpctl.settings import Settings
from tests.local.commands import sdp
from tests.local.driver import Auctions, Driver, wait_until

MINUTE = timedelta(minutes=1)
NOT_YET = "Wait until they are delivered"


def backfill(settings: Settings, start: datetime, *more: str) -> subprocess.CompletedProcess[str]:
    """The command for the minute from `start` on."""
    bounds = ["--from", to_wire(start), "--to", to_wire(start + MINUTE)]
    return sdp(settings, "backfill", *bounds, *more)


def generations(driver: Driver, campaign: int) -> set[str]:
    """The generations of a campaign's stored buckets."""
    found = driver.client("dynamodb").query(
        TableName="sdp-adtech-campaigns",
        KeyConditionExpression="campaign_item_id = :id AND #period >= :first",  # not the total
        ExpressionAttributeNames={"#period": "period"},
        ExpressionAttributeValues={":id": {"N": str(campaign)}, ":first": {"N": "0"}},
    )
    return {item["generation"]["N"] for item in found["Items"]}


def test_a_minute_that_is_not_final_is_refused(settings: Settings) -> None:
    refused = backfill(settings, datetime.now(UTC).replace(second=0, microsecond=0) - MINUTE)
    assert refused.returncode == 1
    assert "the range is not final" in refused.stderr


def test_a_backfill_differs_in_nothing_and_what_it_writes_changes_no_count(
    driver: Driver, settings: Settings, early: Auctions
) -> None:
    start = parse(early.bids[0]["occurred_at"]).replace(second=0, microsecond=0)

    def final() -> bool:
        driver.heartbeat()
        through = driver.get(f"campaigns/{early.campaign}").json()["complete_through"]
        return through is not None and parse(through) >= start + MINUTE

    wait_until(final, 360, lambda: driver.get(f"campaigns/{early.campaign}").text)
    done: list[Any] = []

    def delivered() -> bool:
        driver.heartbeat()
        done.append(backfill(settings, start, "--compare", "--write"))
        return NOT_YET not in done[-1].stderr

    wait_until(delivered, 360, lambda: done[-1].stderr)
    assert (done[-1].returncode, done[-1].stdout) == (0, "0 differences\n"), done[-1].stderr
    assert generations(driver, early.campaign) == {"1"}
    assert driver.totals(early.campaign) == early.expected
