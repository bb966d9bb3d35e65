"""The ledger on the running platform: both sides count the same events, each by itself."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from lambdas.adapters.receipts import DynamoReceipts
from lambdas.ports.ledger import Receipts, door_partition, minute_key, minute_of, shard_of
from sdpctl.settings import Settings
from tests import streams
from tests.local.audits import audit
from tests.local.commands import sdp
from tests.local.driver import Driver, auctions, wait_until

LEDGER = "sdp-ledger"


def test_both_sides_count_the_same_and_our_own_copy_is_not_the_sender_s(
    driver: Driver, settings: Settings
) -> None:
    start = minute_of(datetime.now(UTC))
    before = _once_read(settings, start)
    made = auctions(30)
    driver.send(made.events)
    driver.send(made.bids)
    assert driver.post("events", [{"type": "click"}]).status_code == 400
    wanted = made.bids[0]["event_id"].encode()
    records = streams.records(driver.client("kinesis"), "sdp-adtech-bcns")
    stored = next(r for r in records if wanted in r["Data"])
    again = {"Data": stored["Data"], "PartitionKey": stored["PartitionKey"]}
    driver.client("kinesis").put_record(StreamName="sdp-adtech-bcns", **again)
    accepted = len(made.events) + len(made.bids)
    expected = {
        "ok": accepted,
        "refused": 1,
        "counted": len(made.events),
        "duplicate": len(made.bids),
        "redelivered": 1,
        "unread": 0,
        "waiting": 0,
    }
    seen: dict[str, Any] = {}

    def balanced() -> bool:
        status, sums = audit(settings, "adtech", start, start + timedelta(minutes=5))
        assert status == 0, sums
        seen.update({name: sums[name] - before[name] for name in expected})
        return seen == expected

    wait_until(balanced, 120, lambda: f"{seen}, expected {expected}")


def _once_read(settings: Settings, start: datetime) -> Counter[str]:
    """What the ledger has, once that was read; others have sent in this minute."""
    found: Counter[str] = Counter()

    def read() -> bool:
        found.clear()
        found.update(audit(settings, "adtech", start, start + timedelta(minutes=5))[1])
        return not found["unread"]

    wait_until(read, 60, lambda: f"{found}")
    return found


def test_an_event_that_was_acknowledged_and_is_not_in_the_stream_is_found(
    driver: Driver, settings: Settings
) -> None:
    client = driver.client("dynamodb")
    lost = Receipts("adtech", minute_of(datetime.now(UTC)) - timedelta(hours=9), "lost", ok=1)
    end = lost.minute + timedelta(minutes=1)
    DynamoReceipts(LEDGER, client).put(lost)
    try:
        status, sums = audit(settings, "adtech", lost.minute, end)
        assert (status, sums["missing"]) == (1, 1)
        span = ("--from", lost.minute.isoformat(), "--to", end.isoformat())
        shown = sdp(settings, "audit", "--use-case", "adtech", *span).stdout
        assert "1 missing of" in shown
        assert "1 of the missing: acknowledged by the API and never read from the stream." in shown
        assert "1 of the missing cannot be named: the lake has no record of them" in shown
    finally:
        key = (door_partition("adtech", shard_of("lost")), f"{minute_key(lost.minute)}#lost")
        names = zip(("pk", "sk"), key, strict=True)
        client.delete_item(TableName=LEDGER, Key={name: {"S": value} for name, value in names})
    assert audit(settings, "adtech", lost.minute, end)[0] == 0
