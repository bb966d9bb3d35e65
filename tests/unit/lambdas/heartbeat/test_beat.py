"""Every open shard gets its heartbeat, or the run fails."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from lambdas.heartbeat.beat import HeartbeatError, beat
from lambdas.ports.stream import Entry

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


class Memory:
    def __init__(self, reasons: list[str | None]) -> None:
        self.reasons = reasons
        self.entries: Sequence[Entry] = ()

    def put(self, stream: str, entries: Sequence[Entry]) -> list[str | None]:
        assert stream == "sdp-x-events"
        self.entries = entries
        return self.reasons


def test_each_shard_gets_one_record_by_its_hash_key() -> None:
    stream = Memory([None, None])
    assert beat(stream, "sdp-x-events", ["0", "99"], NOW) == 2
    assert [entry.hash_key for entry in stream.entries] == ["0", "99"]
    records = [json.loads(entry.data) for entry in stream.entries]
    assert {record.pop("event_id") is not None for record in records} == {True}
    at = "2026-11-21T10:00:00.000Z"
    assert records == [{"type": "heartbeat", "occurred_at": at, "received_at": at}] * 2


def test_a_shard_that_was_not_reached_is_an_error() -> None:
    with pytest.raises(HeartbeatError, match=r"sdp-x-events: 1 of 2 shards: \['Throttled'\]"):
        beat(Memory([None, "Throttled"]), "sdp-x-events", ["0", "99"], NOW)
