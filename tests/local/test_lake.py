"""The lake says what the reports say, and that is the truth; what it cannot take is named."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bench.lake import Flow, Platform
from sdpctl.clock import now
from sdpctl.sending import Tally
from sdpctl.settings import Settings
from tests.local.commands import sdp
from tests.local.driver import Driver, auctions, wait_until
from tests.local.machine import Machine

EVENTS = 20_000
SHOWN = ("stage", "reason", "field", "detail", "event_id", "source")
TIMEOUT = 240.0  # seconds; bench/lake.py is where it must be seen within two minutes


@dataclass(frozen=True)
class Refused:
    """What Parquet cannot take: a record with a text for a number, among five that are right, of
    one campaign; and bytes in the streams of events and of clicks.
    """

    campaign: int
    event_id: str
    record: bytes
    event: bytes = b"\x00\xff no event, and Parquet cannot take it"
    click: bytes = b"not even JSON [bold]"


@pytest.fixture(scope="module")
def platform(settings: Settings) -> Platform:
    return Platform.of(settings)


@pytest.fixture(scope="module", autouse=True)
def taken(driver: Driver) -> Refused:
    """Put before the events of the first test, because the lake has it a minute later."""
    made = auctions(6)
    rows = [
        {"tx_id": e["tx_id"], "app_uid": "a", "campaign_item_id": made.campaign, "win_price": 5}
        | {"occurred_at": e["occurred_at"], "event_id": e["event_id"]}
        for e in made.bids
    ]
    bad = json.dumps(rows[3] | {"win_price": "five"}).encode()
    refused = Refused(made.campaign, made.bids[3]["event_id"], bad)
    data = [bad if n == 3 else json.dumps(row).encode() for n, row in enumerate(rows)]
    _put(driver, "impressions", *data)
    _put(driver, "bcns", refused.event)
    _put(driver, "clicks", refused.click)
    return refused


def _put(driver: Driver, stream: str, *data: bytes) -> None:
    records = [{"Data": one, "PartitionKey": "one shard"} for one in data]
    driver.client("kinesis").put_records(StreamName=f"{driver.prefix}{stream}", Records=records)


def test_counts_and_sums_by_campaign_equal_the_truth_though_the_delivery_is_killed(
    platform: Platform, machine: Machine
) -> None:
    flow = Flow(EVENTS, now() + timedelta(seconds=10))  # half of them are yet to happen
    kills = [EVENTS * 3 // 4, EVENTS // 3]

    def kill(sent: Tally) -> None:
        if kills and sent.accepted > kills[-1]:
            kills.pop()
            machine.kill_delivery()

    flow.send(platform, kill)
    machine.kill_delivery()
    wait_until(
        lambda: not flow.differences(platform), TIMEOUT, lambda: f"{flow.differences(platform)}"
    )
    wait_until(
        lambda: not flow.miscounted(platform), TIMEOUT, lambda: f"{flow.miscounted(platform)}"
    )
    wait_until(lambda: not flow.unequal(platform), TIMEOUT, lambda: f"{flow.unequal(platform)}")


def _errors(driver: Driver, bucket: str, record: str) -> list[dict[str, Any]]:
    """All that is below the error prefix of a record."""
    s3 = driver.client("s3")
    prefix = f"adtech/errors/{record}/format-conversion-failed/"
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    bodies = [s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found]
    return [json.loads(line) for body in bodies for line in body.splitlines()]


def _bucket(driver: Driver) -> str:
    stacks = driver.client("cloudformation").describe_stacks()["Stacks"]
    found = {o["OutputKey"]: o["OutputValue"] for s in stacks for o in s.get("Outputs", [])}
    return str(found["LakeBucket"])


def test_a_record_parquet_cannot_take_is_an_error_and_a_dead_letter_and_costs_no_other(
    driver: Driver, platform: Platform, settings: Settings, taken: Refused
) -> None:
    bucket = _bucket(driver)

    def error() -> list[str]:
        found = _errors(driver, bucket, "impressions")
        return [e["lastErrorMessage"] for e in found if taken.event_id in _text(e)]

    wait_until(lambda: bool(error()), TIMEOUT, lambda: "no error object")
    assert "'win_price' is bigint, not string" in error()[0]
    letter = driver.dead_letter(taken.record, TIMEOUT)
    assert (letter["stage"], letter["reason"]) == ("lake", "malformed")
    assert "win_price" in letter["detail"]
    wait_until(
        lambda: letter["id"] in _listed(settings),
        TIMEOUT,
        lambda: f"{letter['id']} is not among {list(_listed(settings))}",
    )
    shown = _listed(settings)[letter["id"]]
    assert base64.b64decode(shown["payload"]) == taken.record
    assert {name: shown[name] for name in SHOWN} == {name: letter[name] for name in SHOWN}
    ask = f"""SELECT campaign_item_id, count(*) AS n FROM parquet_impressions
        WHERE campaign_item_id = {taken.campaign} GROUP BY campaign_item_id"""
    expected = {taken.campaign: (5,)}
    wait_until(lambda: platform.ask(ask) == expected, TIMEOUT, lambda: f"{platform.ask(ask)}")


def test_a_poison_event_is_in_the_error_prefix_and_is_one_dead_letter(
    driver: Driver, taken: Refused
) -> None:
    poison = taken.event
    bucket = _bucket(driver)

    def found() -> list[str]:
        errors = _errors(driver, bucket, "bcns")
        return [e["lastErrorCode"] for e in errors if _text(e) == poison.decode(errors="replace")]

    wait_until(lambda: bool(found()), TIMEOUT, lambda: "no error object")
    assert found() == ["DataFormatConversion.ParseError"]
    assert driver.dead_letter(poison, TIMEOUT)["reason"] == "malformed"


def _listed(settings: Settings) -> dict[str, dict[str, Any]]:
    """What `./sdp dead-letters` shows of the delivery's, by id."""
    chosen = ["--stage", "lake", "--reason", "malformed", "--limit", "1000", "--json"]
    done = sdp(settings, "dead-letters", *chosen)
    assert done.returncode == 0, done.stderr
    return {letter["id"]: letter for letter in map(json.loads, done.stdout.splitlines())}


def test_dead_letters_are_counted_and_shown_to_people(settings: Settings) -> None:
    def shown() -> str:
        done = sdp(settings, "dead-letters", "--stage", "lake", "--limit", "1000")
        assert done.returncode == 0, done.stderr
        return done.stdout

    wait_until(lambda: "not even JSON" in shown(), TIMEOUT, shown)
    assert "[bold]" in shown()
    counted = sdp(settings, "dead-letters", "--stage", "lake", "--count", "--json")
    [malformed] = [json.loads(line) for line in counted.stdout.splitlines()]
    assert (malformed["stage"], malformed["reason"]) == ("lake", "malformed")
    assert malformed["letters"] >= 1


def _text(error: dict[str, Any]) -> str:
    return base64.b64decode(error["rawData"]).decode(errors="replace")
