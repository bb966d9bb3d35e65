"""Reports computed again from the streams: wrong ones are repaired, right ones stay as they are.

Behind the backfill's tests, of whose minute this is. wrong_sql.py deploys wrong SQL for it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from datetime import datetime, timedelta
from typing import Any

from glue.instants import parse, to_wire
from sdpctl.settings import ROOT, Settings
from tests.local.commands import sdp
from tests.local.driver import Auctions, Driver, wait_until

MINUTE = timedelta(minutes=1)
TABLE = "sdp-adtech-campaigns"
NEVER = 999_999_001  # a campaign that nobody has


def minute_of(made: Auctions) -> datetime:
    """The minute of the events."""
    return parse(made.bids[0]["occurred_at"]).replace(second=0, microsecond=0)


def bounds(start: datetime) -> list[str]:
    """The options for the minute from `start` on."""
    return ["--from", to_wire(start), "--to", to_wire(start + MINUTE)]


def items(driver: Driver, start: datetime) -> dict[str, dict[str, Any]]:
    """All that is stored of the minute, and the totals of its campaigns, by campaign."""
    pages = driver.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
    found = [item for page in pages for item in page["Items"]]
    own = {i["campaign_item_id"]["N"]: i for i in found if i["period"]["N"] == _second(start)}
    totals = {i["campaign_item_id"]["N"]: i for i in found if i["period"]["N"] == "-1"}
    return {key: {"bucket": own[key], "total": totals[key]} for key in own}


def answers(driver: Driver, campaign: int) -> tuple[bytes, dict[str, int]]:
    """The report of a campaign's minutes, in bytes, and its totals."""
    path = f"campaigns/{campaign}/period"
    return driver.get(path, period="MINUTES").content, driver.totals(campaign)


def corrupt(driver: Driver, start: datetime, campaign: int) -> None:
    """Write what wrong SQL would have: twice the spend, and a bucket of another campaign."""
    wrong = dict.fromkeys(("bids", "impressions", "clicks"), 0) | {"spend": 7}
    [stored] = [i["bucket"] for key, i in items(driver, start).items() if key == str(campaign)]
    right = {name: int(value["N"]) for name, value in stored.items()}
    rows = [
        right | {"spend": 2 * right["spend"], "version": right["version"] + 1_000},
        {"campaign_item_id": NEVER, "period": right["period"], **wrong}
        | {"version": 1, "generation": right["generation"]},
    ]
    for row in rows:
        driver.client("kinesis").put_record(
            StreamName=f"{driver.prefix}aggregates",
            PartitionKey=str(row["campaign_item_id"]),
            Data=json.dumps(row).encode(),
        )
    wait_until(
        lambda: (
            (driver.totals(campaign)["spend"], driver.totals(NEVER)["spend"])
            == (2 * right["spend"], 7)
        ),
        60,
        lambda: f"{driver.totals(campaign)}, {driver.totals(NEVER)}",
    )


def kill_in_its_job(settings: Settings, start: datetime) -> None:
    """Begin a replay and kill it once its job has the records; the job is left running."""
    command = [ROOT / "sdp", "replay", *bounds(start)]
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env=settings.aws_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        begun = settings.home / "pids" / "replay.json"
        wait_until(begun.exists, 120, lambda: f"the job has not begun: {process.poll()}")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_wrong_buckets_are_repaired_by_a_replay_that_was_killed_and_goes_on(
    driver: Driver, settings: Settings, early: Auctions
) -> None:
    """An event that comes late meanwhile counts in neither generation."""
    start = minute_of(early)
    driver.await_totals(early.campaign, early.expected)

    def final() -> bool:
        driver.heartbeat()
        through = driver.get(f"campaigns/{early.campaign}").json()["complete_through"]
        return through is not None and parse(through) >= start + MINUTE

    wait_until(final, 360, lambda: driver.get(f"campaigns/{early.campaign}").text)
    before, stored = answers(driver, early.campaign), items(driver, start)
    corrupt(driver, start, early.campaign)
    assert answers(driver, early.campaign) != before
    driver.send([early.bids[0] | {"event_id": "late", "tx_id": f"late-{early.campaign}"}])

    kill_in_its_job(settings, start)
    assert answers(driver, early.campaign)[1]["spend"] == 2 * before[1]["spend"]
    done = sdp(settings, "replay", *bounds(start))
    assert done.returncode == 0, done.stderr
    assert "an interrupted replay of this range goes on" in done.stderr
    assert f"{before[1]['spend']:,}" in done.stdout, done.stdout  # new
    assert f"{2 * before[1]['spend']:,}" in done.stdout  # old
    summary = f"{len(stored) - 1} buckets are equal, 2 differ"
    assert done.stdout.splitlines()[-1] == summary

    assert answers(driver, early.campaign) == before
    assert driver.get(f"campaigns/{NEVER}").status_code == 404
    assert before[1] == early.expected
    now = items(driver, start)
    one = str(early.campaign)
    generation = int(stored[one]["bucket"]["generation"]["N"])
    assert int(now[one]["bucket"]["generation"]["N"]) == generation + 1
    others = stored.keys() - {one}
    assert {key: now[key] for key in others} == {key: stored[key] for key in others}
    assert not (settings.home / "replay" / "local" / "adtech").exists()


def test_a_replay_of_what_is_right_changes_no_byte(
    driver: Driver, settings: Settings, early: Auctions
) -> None:
    start = minute_of(early)
    before, stored = answers(driver, early.campaign), items(driver, start)
    done = sdp(settings, "replay", *bounds(start))
    count = sum(key != str(NEVER) for key in stored)
    equal = f"{count} buckets are equal, 0 differ\n"
    assert (done.returncode, done.stdout) == (0, equal), done.stderr
    assert (answers(driver, early.campaign), items(driver, start)) == (before, stored)


def test_a_range_that_is_not_final_is_refused_with_the_latest_that_is(
    driver: Driver, settings: Settings, early: Auctions
) -> None:
    end = parse(driver.get(f"campaigns/{early.campaign}").json()["complete_through"]) + 10 * MINUTE
    start = end.replace(second=0, microsecond=0)
    refused = sdp(settings, "replay", *bounds(start), "--dry-run")
    assert refused.returncode == 1
    assert "the range is not final" in refused.stderr
    assert "Choose a range that ends at 20" in refused.stderr


def _second(start: datetime) -> str:
    return str(int(start.timestamp()))
