"""The chain of an event, read from streams, in three lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

import usecases
from infra.topology import Topology
from sdpctl import chain, latency, streams
from sdpctl.errors import CommandError

TOPOLOGY = Topology("sdp", usecases.load())
SHOPPING = next(u for u in TOPOLOGY.catalog.use_cases if u.name == "shopping")
NAMES = chain.stream_names(TOPOLOGY, SHOPPING)
EVENT = {
    "id": "shopping:c:e5",
    "kind": "shopping",
    "subject": "c",
    "occurred_at": "2026-11-21T10:00:00.004Z",
    "balance": 150.0,
    "count": 5,
    "deviation": None,
    "causes": "[]",
    "trace_id": "e5",
}
RULES = [
    {"name": "low", "version": 2, "mode": "live", "result": "true", "features": {"share": 3}},
    {"name": "young", "version": 1, "result": "false", "reason": "profile.age < 30: 41 < 30"},
]
DECISION = {
    **{name: EVENT[name] for name in ("id", "kind", "subject", "trace_id")},
    "passed": True,
    "rules": json.dumps(RULES),
    "action_id": "shopping:c:e5:low",
    "detail": "no model",
}
ACTION = {
    **{name: EVENT[name] for name in ("kind", "subject", "trace_id")},
    "id": "shopping:c:e5:low",
    "customer_id": "ada",
    "channel": "push",
    "title": "Your card",
    "message": "150.00 left.",
}


@pytest.fixture
def kinesis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The streams of the chain, each of two shards."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("kinesis", region_name="us-east-1")
        for name in NAMES:
            client.create_stream(StreamName=name, ShardCount=2)
        yield client


def _put(kinesis: Any, stream: str, *rows: Any) -> None:
    for n, row in enumerate(rows):
        data = row if isinstance(row, bytes) else json.dumps(row).encode()
        kinesis.put_record(StreamName=stream, Data=data, PartitionKey=f"{n}")


def _ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def test_every_shard_is_read_from_an_instant_on_and_what_is_no_object_is_left_out(
    kinesis: Any,
) -> None:
    rows = [{"n": n} for n in range(20)]
    _put(kinesis, NAMES[0], *rows, b"{", [1])
    shards = {
        kinesis.put_record(StreamName=NAMES[1], Data=b"1", PartitionKey=f"{n}")["ShardId"]
        for n in range(20)
    }
    assert len(shards) == 2
    found = list(streams.since(kinesis, NAMES[0], _ago(minutes=1)))
    assert sorted(arrived.row["n"] for arrived in found) == [row["n"] for row in rows]
    assert all(_ago(minutes=1) < arrived.at for arrived in found)
    assert list(streams.since(kinesis, NAMES[0], _ago(minutes=-1))) == []


def test_the_chain_of_an_event_is_complete_with_its_action(kinesis: Any) -> None:
    found = lambda: chain.of_event(kinesis, NAMES, "e5", "shopping", _ago(minutes=1))  # noqa: E731
    others = [{**EVENT, "trace_id": "e4"}, {**EVENT, "kind": "spending_anomaly"}]
    _put(kinesis, NAMES[0], *others, EVENT)
    assert not found().is_complete
    _put(kinesis, NAMES[1], DECISION)
    assert not found().is_complete
    _put(kinesis, NAMES[2], ACTION)
    assert found().is_complete
    assert found().lines() == [
        "event     shopping of c at 2026-11-21T10:00:00.004Z: balance 150, count 5",
        "decision  passed: rule low version 2 with share version 3 is true; "
        "rule young version 1 is false (profile.age < 30: 41 < 30); no model",
        "message   to ada by push: Your card: 150.00 left.",
    ]


def test_a_decision_without_an_action_completes_the_chain_in_two_lines() -> None:
    stopped = {**DECISION, "passed": False, "rules": "[]", "action_id": None, "detail": None}
    found = chain.Chain(EVENT, stopped, None)
    assert found.is_complete
    assert found.lines()[1:] == ["decision  stopped: there is no rule"]


def test_a_use_case_without_actions_has_no_chain() -> None:
    other = next(u for u in TOPOLOGY.catalog.use_cases if u.name == "adtech")
    with pytest.raises(CommandError, match="adtech has no business events or no actions"):
        chain.stream_names(TOPOLOGY, other)


def test_of_the_events_only_those_that_a_chain_began_with_are_kept_and_of_copies_the_first(
    kinesis: Any,
) -> None:
    kinesis.create_stream(StreamName="events", ShardCount=2)
    _put(kinesis, "events", *({"event_id": f"e{n}"} for n in range(9)))
    for stream, row in zip(NAMES, (EVENT, DECISION, ACTION), strict=True):
        _put(kinesis, stream, row, row, row)  # as after a restart, in any shard
    records = latency.read(kinesis, ["events"], NAMES, [], _ago(minutes=1))
    assert records.events.keys() == {"e5"}
    assert records.found.keys() == records.decisions.keys() == {("e5", "shopping")}
    times = [arrived.at for arrived in streams.since(kinesis, NAMES[0], _ago(minutes=1))]
    assert len(times) == 3 and records.found["e5", "shopping"].at == min(times)
