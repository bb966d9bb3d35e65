"""Reports computed again from the streams: wrong ones are repaired, right ones stay as they are.

Behind the backfill's tests, of whose minute this is. wrong_sql.py deploys wrong SQL for it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import psutil

from glue.instants import parse, to_wire
from sdpctl.local.processes import Service
from sdpctl.settings import ROOT, Settings
from tests.local.commands import sdp
from tests.local.driver import Auctions, Driver, wait_until

MINUTE = timedelta(minutes=1)
TABLE = "sdp-adtech-campaigns"
NEVER = 900_000_000 + int(time.time()) % 90_000_000  # a campaign that nobody has


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


def begin(settings: Settings, start: datetime) -> subprocess.Popen[str]:
    """Begin a replay and stop its job's JVM once it runs: the records are read."""
    command = [ROOT / "sdp", "replay", *bounds(start)]
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env=settings.aws_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: bool(jvms(settings)), 120, lambda: f"no job: {process.poll()}")
    for job in jvms(settings):
        job.suspend()
    return process


def jvms(settings: Settings) -> list[psutil.Process]:
    """The JVM of a replay's job."""
    with suppress(psutil.Error):
        own = Service("replay", settings).process()
        return [p for p in own.children(recursive=True) if p.name() == "java"] if own else []
    return []


def kill(process: subprocess.Popen[str]) -> None:
    """`kill -9` of a command, which leaves its job running."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@dataclass
class Reader:
    """Somebody who reads a campaign's report all the while, and what is stored of it."""

    driver: Driver
    start: datetime
    campaign: int
    seen: list[tuple[str, Any]] = field(default_factory=list)
    wrong: list[BaseException] = field(default_factory=list)

    def look(self) -> None:
        """One answer of each kind, if it is another one than the last of its kind."""
        path = f"campaigns/{self.campaign}/period"
        report = self.driver.get(path, period="MINUTES")
        assert report.status_code == 200, report.text
        self._add("report", report.content)
        self._add("totals", self.driver.totals(self.campaign))
        stored = items(self.driver, self.start)[str(self.campaign)]["bucket"]
        self._add("stored", tuple(int(stored[name]["N"]) for name in ("generation", "version")))

    def _add(self, kind: str, answer: Any) -> None:
        if self.of(kind)[-1:] != [answer]:
            self.seen.append((kind, answer))

    def of(self, kind: str) -> list[Any]:
        """What was seen of a kind, each change once."""
        return [answer for own, answer in self.seen if own == kind]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Looks again and again; raises what a look raised."""
        ended = Event()

        def read() -> None:
            try:
                while not ended.wait(0.1):
                    self.look()
            except BaseException as error:  # noqa: BLE001 - raised below
                self.wrong.append(error)

        self.look()
        thread = Thread(target=read)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        self.look()
        if self.wrong:
            raise self.wrong[0]


def state(driver: Driver, start: datetime, campaign: int) -> tuple[Any, ...]:
    """Whatever a replay may change: reports, what is stored, and what the lake is made of."""
    second = int(start.timestamp())
    rows = [row for row in driver.records("aggregates") if row.get("period") == second]
    return answers(driver, campaign), items(driver, start), rows


def test_wrong_buckets_are_repaired_by_a_replay_that_was_killed_dropped_and_goes_on(
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
    right, stored = answers(driver, early.campaign), items(driver, start)
    corrupt(driver, start, early.campaign)
    wrong, before = answers(driver, early.campaign), state(driver, start, early.campaign)
    assert wrong != right
    driver.send([early.bids[0] | {"event_id": "late", "tx_id": f"late-{early.campaign}"}])
    reader = Reader(driver, start, early.campaign)
    with reader.reading():
        dry = sdp(settings, "replay", *bounds(start), "--dry-run")
        assert dry.returncode == 1, dry.stderr
        assert f"{right[1]['spend']:,}" in dry.stdout, dry.stdout  # new
        assert f"{2 * right[1]['spend']:,}" in dry.stdout  # old
        assert dry.stdout.splitlines()[-1] == f"{len(stored) - 1} buckets are equal, 2 differ"
        assert state(driver, start, early.campaign) == before
        assert not (settings.home / "replay" / "local" / "adtech").exists()

        killed = begin(settings, start)
        assert _shown(settings)["running"]
        kill(killed)
        assert jvms(settings)
        assert _shown(settings)["state"] == "interrupted"
        dropped = sdp(settings, "replay", "--drop")
        assert dropped.returncode == 0, dropped.stderr
        assert not jvms(settings)
        assert _shown(settings) == {}
        assert state(driver, start, early.campaign) == before

        failed = begin(settings, start)
        for process in jvms(settings):
            process.kill()
        _, said = failed.communicate(timeout=120)
        assert failed.returncode == 1
        assert "the replay's job failed" in said
        assert "run the same command again to go on" in said
        assert state(driver, start, early.campaign) == before

        done = sdp(settings, "replay", *bounds(start))
        assert done.returncode == 0, done.stderr
        assert "an interrupted replay of this range goes on" in done.stderr
        assert done.stdout == dry.stdout

    assert answers(driver, early.campaign) == right
    assert driver.get(f"campaigns/{NEVER}").status_code == 404
    assert right[1] == early.expected
    assert [reader.of("report"), reader.of("totals")] == [
        [wrong[0], right[0]],
        [wrong[1], right[1]],
    ]
    now = items(driver, start)
    one = str(early.campaign)
    generation = int(stored[one]["bucket"]["generation"]["N"])
    assert reader.of("stored") == sorted(reader.of("stored"))
    assert reader.of("stored")[-1][0] == generation + 1
    others = stored.keys() - {one}
    assert {key: now[key] for key in others} == {key: stored[key] for key in others}
    assert not (settings.home / "replay" / "local" / "adtech").exists()


def _shown(settings: Settings) -> dict[str, Any]:
    """What status says of the replay."""
    listed = json.loads(sdp(settings, "status", "--json").stdout)
    return next((c for c in listed if c["name"] == "replay of adtech"), {})


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
