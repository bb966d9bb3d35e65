"""Each record of a shard is read once, in order, whatever the stream answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from sdpctl.errors import CommandError
from sdpctl.replay import shards
from sdpctl.replay.shards import Reader, Shard, retained
from tests.unit.sdpctl.replay.streams import Kinesis

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
END = START + timedelta(hours=1)
OPEN, CLOSED = Shard("a", (), closed=False), Shard("a", (), closed=True)


def stream(count: int, *, closed: bool = False, size: int = 1) -> Kinesis:
    """A shard with one record a minute from ten minutes before the start on."""
    kinesis = Kinesis(now=END + timedelta(hours=2))
    kinesis.shard("s", "a", closed=closed)
    for n in range(count):
        kinesis.put("s", "a", START + timedelta(minutes=n - 10), (b"%03d" % n).ljust(size))
    return kinesis


def read(kinesis: Kinesis, shard: Shard = OPEN, pauses: list[float] | None = None) -> list[int]:
    """The numbers of the records that are read."""
    waits: list[float] = [] if pauses is None else pauses
    reader = Reader(kinesis, "s", waits.append)
    return [int(record.data) for record in reader.read(shard, START, END)]


def test_parents_come_before_their_children_whatever_their_names() -> None:
    kinesis = Kinesis(now=END)
    for name, *parents in (("1", "4", "3"), ("2",), ("3", "2"), ("4", "2"), ("5", "expired")):
        kinesis.shard("s", name, *parents, closed=name in "234")
    found = shards.shards(kinesis, "s")
    order = [shard.id for shard in found]
    assert sorted(order) == ["1", "2", "3", "4", "5"]
    for shard in found:
        assert all(order.index(parent) < order.index(shard.id) for parent in shard.parents)
    assert {shard.id: shard.parents for shard in found} == {
        "1": ("4", "3"),
        "2": (),
        "3": ("2",),
        "4": ("2",),
        "5": (),
    }
    assert [shard.id for shard in found if shard.closed] == [n for n in order if n in "234"]


def test_what_arrived_in_the_range_is_read_to_its_end_and_no_further() -> None:
    kinesis = stream(200)
    assert read(kinesis) == list(range(10, 70))
    assert kinesis.reads["a"] == 21  # of three records each


@pytest.mark.parametrize("count", [0, 10, 11, 12, 13, 40])
@pytest.mark.parametrize("shard", [OPEN, CLOSED])
def test_a_shard_ends_where_its_records_end(shard: Shard, count: int) -> None:
    kinesis = stream(count, closed=shard.closed)
    assert read(kinesis, shard) == list(range(10, count))


def test_a_closed_shard_whose_records_have_expired_has_none() -> None:
    kinesis = stream(40, closed=True)
    kinesis.streams["s"]["a"].gone = True
    assert read(kinesis, CLOSED) == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        read(kinesis, OPEN)


def test_reads_leave_the_others_their_share() -> None:
    """A second apart, and of as many records as a megabyte has."""
    kinesis, pauses = stream(40, size=2_000), list[float]()
    read(kinesis, pauses=pauses)
    assert pauses == [1.0] * (kinesis.reads["a"] - 1)
    assert kinesis.limits[:3] == [1_000, 500, 500]
    small = stream(40)
    read(small)
    assert small.limits[:2] == [1_000, 10_000]


def test_a_busy_shard_is_waited_for_longer_each_time_and_nothing_is_read_twice() -> None:
    kinesis, pauses = stream(40), list[float]()
    kinesis.failing = [
        "ProvisionedThroughputExceededException",
        "InternalFailure",
        "KMSThrottlingException",
    ]
    assert read(kinesis, pauses=pauses) == list(range(10, 40))
    assert pauses[:3] == [1.0, 1.0, 2.0]


def test_an_iterator_that_has_expired_is_replaced_after_the_last_record() -> None:
    kinesis = stream(40)
    kinesis.failing = ["ExpiredIteratorException"]
    assert read(kinesis) == list(range(10, 40))
    reader = Reader(kinesis, "s", lambda _: kinesis.failing.append("ExpiredIteratorException"))
    assert [int(r.data) for r in reader.read(OPEN, START, END)] == list(range(10, 40))


def test_a_shard_that_never_answers_is_an_error_that_says_why() -> None:
    kinesis, pauses = stream(40), list[float]()
    kinesis.failing = ["ProvisionedThroughputExceededException"] * 200
    with pytest.raises(CommandError, match="s, a: no answer within 300 s, because its other"):
        read(kinesis, pauses=pauses)
    assert max(pauses) == 8.0
    assert 300 <= sum(pauses) < 310


def test_any_other_refusal_is_passed_on() -> None:
    kinesis = stream(40)
    kinesis.failing = ["AccessDeniedException"]
    with pytest.raises(ClientError, match="AccessDenied"):
        read(kinesis)


def test_a_stream_has_its_records_for_its_retention() -> None:
    kinesis = Kinesis(now=END, hours=24)
    kept = retained(kinesis, "s", END)
    assert kept.since == END - timedelta(days=1)
    assert kept.created == END - timedelta(days=90)
