"""Bad input gets the status and body of the contract and leaves no trace in the reports."""

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx
import pytest

from tests.local.driver import Driver, auctions, wait_until

BID = {"tx_id": "bad-input", "app_uid": "app", "campaign_item_id": 999_999_999_999}
FAR_FUTURE = (datetime.now(UTC) + timedelta(days=2)).isoformat()


def _bid(**changes: Any) -> bytes:
    fields = {**BID, **changes}
    return json.dumps({k: v for k, v in fields.items() if v is not ...}).encode()


RECORDS = {
    "wrong type": (_bid(campaign_item_id="12"), "/campaign_item_id"),
    "missing field": (_bid(tx_id=...), "/tx_id"),
    "unknown field": (_bid(colour="red"), "/colour"),
    "negative price": (_bid(win_price=-1), "/win_price"),
    "int beyond 64 bit": (_bid(campaign_item_id=2**63), "/campaign_item_id"),
    "300 KB string": (_bid(domain="x" * 300_000), "/domain"),
    "far future": (_bid(occurred_at=FAR_FUTURE), "/occurred_at"),
}
BODIES = {
    "not JSON": (b"hello", 400),
    "empty body": (b"", 400),
    "empty array": (b"[]", 400),
    "501 records": (b"[" + b",".join([_bid()] * 501) + b"]", 413),
    "invalid UTF-8": (b'{"tx_id":"\xff\xfe"}', 400),
}


def _no_trace(driver: Driver) -> None:
    made = auctions(2)
    driver.send(made.events)
    driver.await_totals(made.campaign, made.expected)
    assert driver.get(f"campaigns/{BID['campaign_item_id']}").status_code == 404


@pytest.mark.parametrize("name", RECORDS)
def test_a_bad_record_is_rejected_by_field(driver: Driver, name: str) -> None:
    body, field = RECORDS[name]
    answer = driver.post("bid", body)
    assert answer.status_code == 400, answer.text
    said = answer.json()
    assert (said["accepted"], said["rejected"]) == (0, 1)
    result = said["results"][0]
    assert result["status"] == "rejected"
    assert result["index"] == 0
    assert result["error"]["field"] == field
    assert result["error"]["code"] and result["error"]["message"]


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused_whole(driver: Driver, name: str) -> None:
    body, status = BODIES[name]
    answer = driver.post("bid", body)
    assert answer.status_code == status, answer.text


def test_a_wrong_content_type_is_refused(driver: Driver) -> None:
    answer = driver.post("bid", _bid(), {"content-type": "text/plain"})
    assert answer.status_code == 415
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}])
def test_no_key_or_a_wrong_one_is_forbidden(driver: Driver, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{driver.api}/bid", json=BID, headers=headers)
    assert answer.status_code == 403


def test_one_bad_record_does_not_cost_the_others(driver: Driver) -> None:
    made = auctions(2)
    answer = driver.post("events", [*made.events, {"type": "bid"}])
    assert answer.status_code == 207
    assert answer.json()["accepted"] == len(made.events)
    driver.await_totals(made.campaign, made.expected)


def test_rejected_records_leave_no_trace_in_the_reports(driver: Driver) -> None:
    for body, _ in RECORDS.values():
        driver.post("bid", body)
    _no_trace(driver)


def test_a_poison_record_in_the_stream_ends_in_the_dead_letters(driver: Driver) -> None:
    poison = b"\x00\xff not json"
    put = driver.client("kinesis").put_record(
        StreamName=driver.prefix + "bcns", Data=poison, PartitionKey="poison"
    )
    letter = driver.dead_letter(poison)
    assert (letter["stage"], letter["reason"]) == ("flink", "malformed")
    assert letter["source"]["shard"] == put["ShardId"]
    assert letter["source"]["sequence_number"] == put["SequenceNumber"]
    _no_trace(driver)


def _put(driver: Driver, data: bytes, key: str = "past ingestion") -> None:
    driver.client("kinesis").put_record(
        StreamName=driver.prefix + "bcns", Data=data, PartitionKey=key
    )


def test_a_record_too_large_for_a_dead_letter_is_told_by_its_place(driver: Driver) -> None:
    """Base64 of that many bytes is more than a stream accepts; the job must not fail over it."""
    text = json.dumps({"type": "click", "tx_id": "large", "domain": "x" * 900_000}).encode()
    noise = Random(4).randbytes(900_000)
    _put(driver, text)
    _put(driver, noise)
    letters: list[dict[str, Any]] = []

    def look() -> bool:
        found = driver.records("dead-letters")
        letters[:] = [r for r in found if r.get("encoding") or "too many" in r["detail"]]
        return len(letters) == 2

    wait_until(look, 60, lambda: f"dead letters of large records: {letters}")
    packed, reported = sorted(letters, key=lambda r: "payload" not in r)
    assert gzip.decompress(base64.b64decode(packed["payload"])) == text
    assert "900000 bytes" in reported["detail"]
    kinesis = driver.client("kinesis")
    place = {
        "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "ShardId": reported["source"]["shard"],
        "StartingSequenceNumber": reported["source"]["sequence_number"],
    }
    name = driver.prefix + reported["source"]["stream"]
    iterator = kinesis.get_shard_iterator(StreamName=name, **place)["ShardIterator"]
    [record] = kinesis.get_records(ShardIterator=iterator, Limit=1)["Records"]
    assert record["Data"] == noise
    _no_trace(driver)


def test_a_record_forged_into_the_future_makes_no_honest_record_late(driver: Driver) -> None:
    """Its own times agree with each other; what counts is when it arrived."""
    far = FAR_FUTURE.replace("+00:00", "Z")
    fields = {"occurred_at": far, "received_at": far}
    letters = []
    for number, kind in enumerate(("bid", "heartbeat") * 8):
        event_id = f"forged-{number}"
        record = {**BID, "type": kind, "event_id": event_id, "win_price": 1, **fields}
        data = json.dumps(record).encode()
        _put(driver, data, event_id)
        letters.append(data)
    for data in letters[-2:]:
        letter = driver.dead_letter(data)
        assert (letter["reason"], letter["field"]) == ("malformed", "/occurred_at")
    driver.heartbeat()
    _no_trace(driver)


def test_a_negative_price_put_past_ingestion_is_malformed(driver: Driver) -> None:
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    payload = json.dumps(
        {"type": "bid", "event_id": "neg", "occurred_at": moment, "received_at": moment, **BID}
        | {"win_price": -5}
    ).encode()
    _put(driver, payload)
    assert driver.dead_letter(payload)["reason"] == "malformed"
    _no_trace(driver)


def test_a_repeated_record_is_a_duplicate_in_the_dead_letters(driver: Driver) -> None:
    made = auctions(1)
    driver.send(made.bids)
    driver.send(made.bids)
    driver.await_totals(made.campaign, {"bids": 1, "impressions": 0, "clicks": 0, "spend": 0})

    def letters() -> list[dict[str, Any]]:
        wanted = made.bids[0]["event_id"]
        return [r for r in driver.records("dead-letters") if r.get("event_id") == wanted]

    wait_until(lambda: len(letters()) == 1, 60, lambda: f"{letters()}")
    assert letters()[0]["reason"] == "duplicate"
