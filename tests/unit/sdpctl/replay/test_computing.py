"""Which records a replay computes with: those that the live job counted, by what that published."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from glue.instants import to_wire
from infra.topology import Topology
from sdpctl.backfill.comparing import Bucket, Key
from sdpctl.backfill.computing import Computed, Lake
from sdpctl.backfill.plan import Plan, Span, plan
from sdpctl.errors import CommandError
from sdpctl.replay import computing
from sdpctl.replay.computing import Source
from tests.unit.sdpctl.replay.streams import Kinesis, Shard
from usecases import load
from usecases.adtech import USE_CASE

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PARAMETERS = USE_CASE.configured({"CorrelationWindow": "PT10M", "AllowedLateness": "PT20M"})
PLAN = plan(Span(START, START + HOUR), PARAMETERS)
SETTLED = START + HOUR + 30 * MINUTE  # with a watermark of 5 s behind the largest event time
BUCKETS = {Key("campaigns", 1, int(START.timestamp())): Bucket({"bids": 1}, 1)}
EVENTS, LETTERS, PROGRESS = (f"sdp-adtech-{name}" for name in ("bcns", "dead-letters", "progress"))


def silent(*_: Any) -> None:
    """Shows no progress."""


class Glue:
    """A lake without partitions, or with one hour of dead letters."""

    def __init__(self, letters: bytes = b"") -> None:
        self.letters = letters

    def get_paginator(self, operation: str) -> Glue:
        self.operation = operation
        return self

    def paginate(self, **request: str) -> list[dict[str, Any]]:
        if self.operation == "list_objects_v2":
            return [{"Contents": [{"Key": "l/a.gz", "Size": 1}]}]
        location = {"Values": ["2026-11-21", "10"], "StorageDescriptor": {"Location": "s3://b/l/"}}
        found = self.letters and request["TableName"] == "raw_dead_letters"
        return [{"Partitions": [location] if found else []}]

    def get_object(self, **_: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(gzip.compress(self.letters))}


@dataclass
class Run:
    """A run that takes its input and has no result."""

    folder: Path

    def results(self, _: str) -> Iterator[dict[str, Any]]:
        return iter(())

    def source(self, stream: str) -> Path:
        return self.folder / "data" / stream

    def finish(self, _: Callable[[int], None]) -> float:
        return 1.0

    def taken(self) -> list[str]:
        """The records that the job would read, in order."""
        lines = gzip.decompress((self.source("bcns") / "records.json.gz").read_bytes()).splitlines()
        return [json.loads(line)["event_id"] for line in lines]


class Platform:
    """The streams of a deployment, whose live job has passed the range; events come in a minute."""

    def __init__(self, now: datetime = SETTLED + HOUR) -> None:
        self.kinesis, self.glue = Kinesis(now=now), Glue()
        for stream in (EVENTS, LETTERS, PROGRESS):
            self.kinesis.shard(stream, "0")
        self.waited: list[float] = []
        self.at_a_pause: Callable[[], None] = lambda: None

    def event(
        self,
        name: str,
        occurred: timedelta,
        arrived: timedelta | None = None,
        shard: str = "0",
        **fields: Any,
    ) -> str:
        """Put an event, by default as it occurs; times are since the start of the range."""
        at = to_wire(START + occurred)
        event = {"type": "bid", "tx_id": name, "event_id": name, "occurred_at": at, **fields}
        data = json.dumps(event, indent=1).encode() + b"\n"
        received = START + (occurred if arrived is None else arrived)
        return self.kinesis.put(EVENTS, shard, received, data)

    def beat(self, occurred: timedelta, shard: str = "0") -> None:
        """Put a heartbeat."""
        self.event("h", occurred, shard=shard, type="heartbeat")

    def letter(
        self,
        number: str,
        at: datetime,
        reason: str = "late",
        shard: str = "0",
        reached: datetime | None = None,
    ) -> None:
        """Put the dead letter of an event; `reached` is what its detail names."""
        self.kinesis.put(LETTERS, "0", at, letter(number, reason, shard, reached=reached))

    def publish(self, watermark: datetime, at: datetime) -> None:
        """Put a progress of the live job, and one of the ledger's rows."""
        moment = to_wire(watermark)
        row = {"use_case": "adtech", "watermark": moment, "heartbeat_at": moment}
        self.kinesis.put(PROGRESS, "0", at, b'{"use_case":"adtech","minute":1}')
        self.kinesis.put(PROGRESS, "0", at, json.dumps(row).encode())

    @property
    def source(self) -> Source:
        topology = Topology("sdp", load(("adtech",)))
        lake = Lake("sdp_adtech", USE_CASE, self.glue, self.glue)

        def pause(seconds: float) -> None:
            self.waited.append(seconds)
            self.at_a_pause()

        clock = lambda: self.kinesis.now  # noqa: E731 - moves with it
        return Source(topology, USE_CASE, self.kinesis, lake, PARAMETERS, clock, pause)

    def replay(self, folder: Path, made: Plan = PLAN, end: datetime | None = None) -> list[str]:
        """The records that the job would read."""
        return self.computed(folder, made, end)[1]

    def computed(
        self, folder: Path, made: Plan = PLAN, end: datetime | None = None
    ) -> tuple[Computed, list[str]]:
        """The same with the counts."""
        run = Run(folder / f"run-{len(list(folder.iterdir()))}")
        to = end or self.source.end(made)
        found = self.source.compute(made, to, folder / "shards", run, silent)  # type: ignore[arg-type]
        return found, run.taken()


def letter(
    number: str,
    reason: str = "late",
    shard: str = "0",
    stage: str = "flink",
    reached: datetime | None = None,
) -> bytes:
    """A dead letter."""
    source = {"stream": "bcns", "shard": shard, "sequence_number": number}
    detail = f"before the event time that the stream had reached ({reached and to_wire(reached)})"
    letter = {"stage": stage, "reason": reason, "source": source, "detail": detail}
    return json.dumps(letter).encode()


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads at any rate."""
    monkeypatch.setattr("sdpctl.replay.shards.PACE_SECONDS", 0.0)


@pytest.fixture
def platform() -> Platform:
    """A range with an event, settled when the heartbeats of both sides were read."""
    made = Platform()
    made.event("a", 10 * MINUTE)
    made.beat(HOUR)
    made.beat(HOUR + 31 * MINUTE)
    made.publish(SETTLED - 1 * SECOND, SETTLED + MINUTE)
    made.publish(SETTLED + 55 * SECOND, SETTLED + 2 * MINUTE)
    return made


def test_what_a_range_depends_on_is_read_and_nothing_else(
    platform: Platform, tmp_path: Path
) -> None:
    """Two windows and the lateness before it, a window behind it."""
    platform.event("before", -40 * MINUTE)
    platform.event("too-early", -40 * MINUTE - SECOND, arrived=-40 * MINUTE)
    platform.event("behind", 70 * MINUTE - SECOND)
    platform.event("too-late", 70 * MINUTE)
    computed, taken = platform.computed(tmp_path)
    assert taken == ["before", "a", "behind"]
    assert (computed.counted.records, computed.counted.elsewhere) == (3, 2)


def test_what_was_late_is_left_out_by_its_place(platform: Platform, tmp_path: Path) -> None:
    """A record with the same bytes counts if it was in time; other letters leave nothing out."""
    number = platform.event("b", 5 * MINUTE, arrived=20 * MINUTE)
    again = platform.event("b", 5 * MINUTE, arrived=80 * MINUTE)
    platform.letter(again, SETTLED)
    platform.letter(number, SETTLED, reason="duplicate")
    platform.letter(number, SETTLED, shard="1")
    platform.kinesis.put(LETTERS, "0", SETTLED, letter(number, stage="persist"))
    platform.kinesis.put(LETTERS, "0", SETTLED, b"no json")
    computed, taken = platform.computed(tmp_path)
    assert taken == ["b", "a"]
    assert computed.counted.late == 1


def test_where_operators_remember_all_is_read_and_what_was_late_is_late_again(
    platform: Platform, tmp_path: Path
) -> None:
    """Between the same records as before, by the event time that its letter names."""
    made = plan(PLAN.buckets, PARAMETERS, remembers=True)
    platform.kinesis.created = START - 30 * HOUR
    platform.event("long-ago", -29 * HOUR)
    platform.event("b", 12 * MINUTE)
    number = platform.event("late", 5 * MINUTE, arrived=12 * MINUTE)
    platform.letter(number, SETTLED, reached=START + 11 * MINUTE)
    computed, taken = platform.computed(tmp_path, made)
    assert taken == ["long-ago", "a", "heartbeat", "late", "b"]
    assert (computed.counted.records, computed.counted.late) == (3, 1)


def test_where_operators_remember_a_stream_that_has_lost_records_is_refused(
    platform: Platform,
) -> None:
    made = plan(PLAN.buckets, PARAMETERS, remembers=True)
    platform.kinesis.created = platform.kinesis.now - 72 * HOUR
    platform.source.require_retained(made, START)
    platform.kinesis.created -= SECOND
    with pytest.raises(CommandError, match=r"--from 2026-11-21T10:00:00\.000Z: what is") as error:
        platform.source.require_retained(made, START)
    assert "sdp-adtech-bcns has records since 2026-11-18T12:30:00.000Z only" in str(error.value)
    assert "./sdp backfill" in str(error.value)
    assert "streamRetentionHours" in str(error.value)


def test_a_late_event_that_arrives_during_the_replay_counts_in_no_generation(
    platform: Platform, tmp_path: Path
) -> None:
    """The live job may not have read it yet, so it has no dead letter: it is not even read."""
    platform.event("now", 10 * MINUTE, arrived=SETTLED + 2 * MINUTE + 10 * SECOND - START)
    assert platform.replay(tmp_path) == ["a"]
    assert not platform.waited


def test_a_record_behind_what_settles_the_range_counts_if_live_counted_it(
    platform: Platform, tmp_path: Path
) -> None:
    """Another shard was behind, so it was in time. The live job has read it: it has no letter."""
    platform.event("counted", 10 * MINUTE, arrived=SETTLED + 90 * SECOND - START)
    platform.publish(SETTLED + 115 * SECOND, SETTLED + 3 * MINUTE)
    assert platform.replay(tmp_path) == ["a", "counted"]
    assert not platform.waited


def test_a_record_that_live_may_not_have_read_is_waited_for(
    platform: Platform, tmp_path: Path
) -> None:
    """An event dated ahead comes before it: the watermark must have passed that."""
    platform.event("ahead", HOUR + 33 * MINUTE, arrived=SETTLED + 85 * SECOND - START)
    number = platform.event("undecided", 10 * MINUTE, arrived=SETTLED + 90 * SECOND - START)

    def live() -> None:
        if len(platform.waited) == 3:
            platform.letter(number, SETTLED + 4 * MINUTE)
            platform.publish(SETTLED + 3 * MINUTE - 5 * SECOND, SETTLED + 4 * MINUTE)  # not passed
        if len(platform.waited) == 5:
            platform.publish(SETTLED + 3 * MINUTE, SETTLED + 5 * MINUTE)

    platform.at_a_pause = live
    assert platform.replay(tmp_path) == ["a"]
    assert len(platform.waited) == 5


def test_a_record_with_its_letter_is_not_waited_for(platform: Platform, tmp_path: Path) -> None:
    platform.event("ahead", HOUR + 33 * MINUTE, arrived=SETTLED + 85 * SECOND - START)
    number = platform.event("late", 10 * MINUTE, arrived=SETTLED + 90 * SECOND - START)
    platform.letter(number, SETTLED + 4 * MINUTE)
    assert platform.replay(tmp_path) == ["a"]
    assert not platform.waited


def test_a_live_job_that_does_not_come_is_an_error(platform: Platform, tmp_path: Path) -> None:
    platform.event("ahead", HOUR + 33 * MINUTE, arrived=SETTLED + 85 * SECOND - START)
    platform.event("undecided", 10 * MINUTE, arrived=SETTLED + 90 * SECOND - START)
    with pytest.raises(CommandError, match=r"after 900 s the live job has not come to .*T11:32:55"):
        platform.replay(tmp_path)


def test_the_records_of_a_key_stay_in_the_order_of_the_shards_that_followed_each_other(
    tmp_path: Path,
) -> None:
    """Split, then merged; the names of the shards say nothing of their order."""
    platform = Platform()
    events = platform.kinesis.streams[EVENTS]
    events.clear()
    events["9"] = Shard(closed=True)
    events["5"], events["6"] = (Shard(("9",), closed=True) for _ in range(2))
    events["1"] = Shard(("5", "6"))
    # Of two bids for one auction the first that was received counts, though it is the later one.
    for n, shard in enumerate(("9", "5", "1")):
        platform.event(f"{n}", (10 - n) * MINUTE, 20 * MINUTE, shard, tx_id="contested")
    platform.event("other", 9 * MINUTE + SECOND, 20 * MINUTE, "6")
    platform.beat(HOUR + 31 * MINUTE, "1")
    platform.publish(SETTLED, SETTLED + MINUTE)
    taken = platform.replay(tmp_path)
    assert [name for name in taken if name != "other"] == ["0", "1", "2"]
    assert set(taken) == {"0", "1", "2", "other"}


def test_a_record_of_a_child_is_undecided_if_its_parents_had_passed_the_range(
    platform: Platform, tmp_path: Path
) -> None:
    platform.kinesis.streams[EVENTS]["0"].closed = True
    platform.kinesis.shard(EVENTS, "1", "0")
    platform.event("child", 10 * MINUTE, SETTLED + 90 * SECOND - START, shard="1")
    platform.kinesis.streams[PROGRESS]["0"].records.pop()
    platform.publish(SETTLED, SETTLED + 2 * MINUTE)
    platform.at_a_pause = lambda: platform.publish(SETTLED + HOUR, SETTLED + HOUR)
    assert platform.replay(tmp_path) == ["a", "child"]
    assert platform.waited


def test_what_no_job_could_count_is_left_out(platform: Platform, tmp_path: Path) -> None:
    """No JSON, or dated ahead of its arrival by more than clocks differ; a time moves nothing."""
    platform.kinesis.put(EVENTS, "0", SETTLED, b"no json")
    platform.event("future", 69 * MINUTE, arrived=69 * MINUTE - timedelta(seconds=311))
    computed, taken = platform.computed(tmp_path)
    assert taken == ["a"]
    assert computed.counted.malformed == 2


def test_a_stream_without_records_of_the_range_is_an_error(tmp_path: Path) -> None:
    platform = Platform()
    platform.publish(SETTLED, SETTLED + MINUTE)
    with pytest.raises(
        CommandError, match="the streams have no records with event times 2026-11-21T09:20"
    ):
        platform.replay(tmp_path)


def test_a_replay_that_was_interrupted_reads_only_what_it_has_not_read(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two shards fails; the next try does not read the first one again."""
    platform.kinesis.shard(EVENTS, "1")
    platform.event("b", 12 * MINUTE, shard="1")
    platform.beat(HOUR + 31 * MINUTE, shard="1")
    read = platform.kinesis.get_records

    def broken(ShardIterator: str, Limit: int) -> dict[str, Any]:
        if platform.kinesis.iterators[ShardIterator][:2] == (EVENTS, "1"):
            raise ConnectionError
        return read(ShardIterator, Limit)

    monkeypatch.setattr(computing, "READERS", 1)
    platform.kinesis.get_records = broken  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        platform.replay(tmp_path)
    platform.kinesis.get_records = read  # type: ignore[method-assign]
    platform.kinesis.streams[EVENTS]["0"].records.clear()
    assert platform.replay(tmp_path) == ["a", "b"]


def test_letters_that_have_expired_in_the_stream_are_read_from_the_lake(tmp_path: Path) -> None:
    platform = Platform(now=SETTLED + 30 * HOUR)
    platform.kinesis.hours = 24
    number = platform.event("late", 10 * MINUTE)
    platform.event("a", 10 * MINUTE)
    platform.glue.letters = letter(number) + b"\n" + letter("other")
    platform.publish(SETTLED + 29 * HOUR, SETTLED + 29 * HOUR)
    assert platform.replay(tmp_path) == ["a"]


def test_reading_ends_where_the_job_had_settled_the_range(platform: Platform) -> None:
    """When that was published; the ten seconds are what clocks differ by."""
    assert platform.source.end(PLAN) == SETTLED + 2 * MINUTE + 10 * SECOND


def test_where_the_progress_has_expired_reading_ends_as_that_of_a_backfill(
    platform: Platform,
) -> None:
    platform.kinesis.now, platform.kinesis.hours = SETTLED + 30 * HOUR, 24
    assert platform.source.end(PLAN) == SETTLED + 5 * SECOND + HOUR + 10 * SECOND


@pytest.mark.parametrize("hours", [-2, 0])
def test_a_range_whose_records_may_have_expired_is_refused_with_the_earliest_that_has_not(
    platform: Platform, hours: int
) -> None:
    """The first record that it depends on may have arrived 45 min 10 s before it."""
    first = START - 45 * MINUTE - 10 * SECOND
    platform.kinesis.hours = 24
    platform.kinesis.now = first + 24 * HOUR
    platform.source.require_retained(PLAN, START)
    platform.kinesis.now += hours * HOUR + SECOND
    if hours < 0:
        platform.source.require_retained(PLAN, START)
        return
    with pytest.raises(CommandError, match=r"--from 2026-11-21T10:00:00\.000Z: the range") as error:
        platform.source.require_retained(PLAN, START)
    assert "sdp-adtech-bcns has those since 2026-11-21T09:14:51.000Z" in str(error.value)
    assert "earliest possible is --from 2026-11-21T10:05:00.000Z;" in str(error.value)
    later = plan(Span(START + 5 * MINUTE, START + HOUR), PARAMETERS)
    platform.source.require_retained(later, START)


def test_a_stream_that_is_new_has_all_its_records_unless_there_was_another_before(
    platform: Platform,
) -> None:
    platform.kinesis.created = START
    platform.source.require_retained(PLAN, tables_since=START + MINUTE)
    with pytest.raises(CommandError, match="has those since 2026-11-21T10:00:00"):
        platform.source.require_retained(PLAN, tables_since=START - 2 * HOUR)
