"""Every record is in S3 once, whatever fails and wherever the worker is killed."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from sdpctl.local.delivery.batches import Record, S3Object
from sdpctl.local.delivery.delivery import READ_EVERY, Delivery
from sdpctl.local.delivery.journal import Journal
from sdpctl.local.delivery.kinesis import THROTTLED, KinesisError, Page
from tests.unit.sdpctl.delivery.described import delivery_stream, layout

START = datetime(2026, 11, 21, 10, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone."""


@dataclass
class FakeKinesis:
    """Streams of shards in memory, a few records a page."""

    records: dict[str, list[Record]] = field(default_factory=lambda: {"s-0": [], "s-1": []})
    page_size: int = 3
    expired: bool = False
    throttled: int = 0
    reads: list[str] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(100))

    def add(self, shard: str, *data: bytes) -> None:
        """Records arrive, one a second."""
        for one in data:
            number = next(self._numbers)
            self.records[shard].append(Record(str(number), START.timestamp() + number, one))

    def shards(self, stream: str) -> list[str]:
        assert stream == "things"
        return list(self.records)

    def at_time(self, stream: str, shard: str, since: datetime) -> str:
        return self._at(shard, lambda r: r.arrival >= since.timestamp())

    def at(self, stream: str, shard: str, number: str) -> str:
        return self._at(shard, lambda r: int(r.sequence_number) >= int(number))

    def after(self, stream: str, shard: str, number: str) -> str:
        return self._at(shard, lambda r: int(r.sequence_number) > int(number))

    def page(self, iterator: str, limit: int) -> Page:
        if self.expired:
            self.expired = False
            raise KinesisError("ExpiredIteratorException", "expired")
        if self.throttled:
            self.throttled -= 1
            raise KinesisError(THROTTLED, "slow down")
        self.reads.append(iterator)
        shard, _, index = iterator.partition("/")
        end = int(index) + self.page_size
        found = self.records[shard][int(index) : end]
        return Page(found, f"{shard}/{int(index) + len(found)}", len(self.records[shard][end:]))

    def _at(self, shard: str, wanted: Callable[[Record], bool]) -> str:
        found = (i for i, r in enumerate(self.records[shard]) if wanted(r))
        return f"{shard}/{next(found, len(self.records[shard]))}"


@dataclass
class FakeS3:
    """Objects by key; it can fail, or the process die, at the nth put."""

    objects: dict[str, bytes] = field(default_factory=dict)
    fails: list[BaseException | None] = field(default_factory=list)
    after: bool = False

    def put(self, made: S3Object) -> None:
        error = self.fails.pop(0) if self.fails else None
        if error and not self.after:
            raise error
        self.objects[made.key] = made.body
        if error:
            raise error

    def rows(self) -> Counter[str]:
        """How often each id is in the Parquet objects."""
        files = [body for key, body in self.objects.items() if key.startswith("parquet/")]
        return Counter(i for f in files for i in pq.read_table(io.BytesIO(f))["id"].to_pylist())

    def lines(self) -> list[bytes]:
        """The originals of all objects."""
        files = [body for key, body in sorted(self.objects.items()) if key.startswith("raw/")]
        return [line for file in files for line in file.splitlines()]


@dataclass
class World:
    """A stream, a bucket and a disk, which outlive the worker."""

    folder: Path
    kinesis: FakeKinesis = field(default_factory=FakeKinesis)
    s3: FakeS3 = field(default_factory=FakeS3)
    waits: list[float] = field(default_factory=list)

    def worker(self) -> Delivery:
        """A worker that has just been started."""
        journal = Journal.open(self.folder / "things-lake.json")
        return Delivery(self.kinesis, self.s3, journal, lambda: START, pause=self.waits.append)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def _run(worker: Delivery, size: int = 64 << 20) -> int:
    """Batches until all is delivered; how many."""
    hints = {"IntervalInSeconds": 60, "SizeInMBs": size >> 20}
    batches = 1
    while not worker.run(delivery_stream(BufferingHints=hints), layout()):
        batches += 1
    return batches


def _ids(*numbers: int) -> list[bytes]:
    return [orjson.dumps({"id": f"r-{n}"}) for n in numbers]


def _once(*numbers: int) -> Counter[str]:
    return Counter(f"r-{n}" for n in numbers)


def test_all_shards_are_delivered_as_one_object_of_each_kind(world: World) -> None:
    world.kinesis.add("s-0", *_ids(*range(7)))
    world.kinesis.add("s-1", *_ids(*range(7, 12)))
    worker = world.worker()
    _run(worker)
    assert world.s3.rows() == _once(*range(12))
    assert (worker.progress.records, len(world.s3.objects)) == (12, 2)


def test_nothing_new_puts_no_object(world: World) -> None:
    world.kinesis.add("s-0", *_ids(1))
    worker = world.worker()
    _run(worker)
    before = dict(world.s3.objects)
    _run(worker)
    assert world.s3.objects == before


def test_a_shard_is_read_once_a_second_as_firehose_reads_it(world: World) -> None:
    world.kinesis.add("s-0", *_ids(*range(7)))
    _run(world.worker())
    assert [r for r in world.kinesis.reads if r.startswith("s-0")] == ["s-0/0", "s-0/3", "s-0/6"]
    assert world.waits == [1.0, 1.0]


def test_a_clock_that_goes_back_holds_up_no_shard(world: World) -> None:
    times = [START]
    worker = replace(world.worker(), now=lambda: times[-1])
    world.kinesis.add("s-0", *_ids(1))
    _run(worker)
    world.kinesis.add("s-0", *_ids(2))
    times.append(START - timedelta(minutes=4))
    _run(worker)
    assert world.s3.rows() == _once(1, 2)
    assert max(world.waits, default=0.0) <= READ_EVERY


def test_a_shard_that_serves_too_many_is_read_again_later(world: World) -> None:
    world.kinesis.add("s-0", *_ids(1, 2))
    world.kinesis.throttled = 3
    _run(world.worker())
    assert world.s3.rows() == _once(1, 2)
    assert world.waits


def test_a_new_worker_goes_on_after_the_last_delivered_record(world: World) -> None:
    world.kinesis.add("s-0", *_ids(1, 2))
    _run(world.worker())
    world.kinesis.add("s-0", *_ids(3))
    world.kinesis.add("s-1", *_ids(4))
    _run(world.worker())
    assert world.s3.rows() == _once(1, 2, 3, 4)


def test_a_shard_that_is_new_is_read_from_its_beginning(world: World) -> None:
    _run(worker := world.worker())
    world.kinesis.records["s-2"] = []
    world.kinesis.add("s-2", *_ids(1, 2))
    _run(worker)
    assert world.s3.rows() == _once(1, 2)


def test_what_arrived_before_the_delivery_stream_was_made_is_not_delivered(world: World) -> None:
    long_ago = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    world.kinesis.records["s-0"].append(Record("1", long_ago, b'{"id":"r-1"}'))
    world.kinesis.add("s-0", *_ids(2))
    _run(world.worker())
    assert world.s3.rows() == _once(2)


def test_a_full_buffer_is_an_object_and_the_shards_take_turns(world: World) -> None:
    big = [orjson.dumps({"id": f"r-{n}", "rest": "x" * 200_000}) for n in range(20)]
    world.kinesis.add("s-0", *big[:10])
    world.kinesis.add("s-1", *big[10:])
    _run(world.worker(), size=1 << 20)
    assert world.s3.rows() == _once(*range(20))
    files = [key for key in world.s3.objects if key.startswith("parquet/")]
    assert len(files) == 4  # pages of 3 from each shard in turn, until 1 MiB is there


def test_a_batch_ends_when_its_time_is_over_however_much_there_is(world: World) -> None:
    world.kinesis.add("s-0", *_ids(*range(9)))
    moments = itertools.count()
    worker = world.worker()
    worker.now = lambda: START + timedelta(seconds=40 * next(moments))
    assert _run(worker) > 1
    assert world.s3.rows() == _once(*range(9))


def test_a_poison_record_is_an_error_and_the_rest_of_its_batch_is_delivered(world: World) -> None:
    world.kinesis.add("s-0", *_ids(1), b"poison", *_ids(2))
    worker = world.worker()
    _run(worker)
    assert world.s3.rows() == _once(1, 2)
    assert world.s3.lines() == [b'{"id":"r-1"}', b"poison", b'{"id":"r-2"}']
    assert [key.split("/")[0] for key in sorted(world.s3.objects)] == ["errors", "parquet", "raw"]
    assert worker.progress.rejected == 1


@pytest.mark.parametrize("put", range(3))
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_put_nothing_is_lost_or_doubled(world: World, put: int, after: bool) -> None:
    world.kinesis.add("s-0", *_ids(1, 2), b"poison")
    world.kinesis.add("s-1", *_ids(3, 4, 5, 6))
    world.s3.fails = [None] * put + [Killed()]
    world.s3.after = after
    with pytest.raises(Killed):
        _run(world.worker())
    world.kinesis.add("s-0", *_ids(7))  # the repeat must not take it along
    worker = world.worker()
    _run(worker)
    assert world.s3.rows() == _once(*range(1, 8))
    assert sorted(world.s3.lines()) == sorted([*_ids(*range(1, 8)), b"poison"])
    assert sum(key.startswith("errors/") for key in world.s3.objects) == 1


def test_killed_between_the_last_put_and_the_commit_the_objects_are_put_again(
    world: World,
) -> None:
    world.kinesis.add("s-0", *_ids(1, 2))
    worker = world.worker()
    worker.journal.commit = _die  # type: ignore[method-assign]
    with pytest.raises(Killed):
        _run(worker)
    before = dict(world.s3.objects)
    _run(world.worker())
    assert world.s3.objects == before


def _die() -> None:
    raise Killed


def test_s3_unavailable_stops_the_delivery_and_loses_nothing(world: World) -> None:
    world.kinesis.add("s-0", *_ids(1, 2))
    world.s3.fails = [OSError("no space"), OSError("no space")]
    worker = world.worker()
    for _ in range(2):
        with pytest.raises(OSError, match="no space"):
            _run(worker)
    world.kinesis.add("s-0", *_ids(3))
    _run(worker)
    assert world.s3.rows() == _once(1, 2, 3)


def test_an_expired_iterator_is_made_anew_from_the_position(world: World) -> None:
    world.kinesis.add("s-0", *_ids(1, 2))
    worker = world.worker()
    _run(worker)
    world.kinesis.add("s-0", *_ids(3))
    world.kinesis.expired = True
    with pytest.raises(KinesisError, match="Expired"):
        _run(worker)
    _run(worker)
    assert world.s3.rows() == _once(1, 2, 3)


def test_a_batch_that_was_begun_in_a_shard_that_is_gone_does_not_hold_up_the_rest(
    world: World,
) -> None:
    world.kinesis.add("s-0", *_ids(1))
    world.s3.fails = [Killed()]
    with pytest.raises(Killed):
        _run(world.worker())
    del world.kinesis.records["s-0"]
    world.kinesis.add("s-1", *_ids(2))
    _run(world.worker())
    assert world.s3.rows() == _once(2)


def test_progress_says_through_which_arrival_all_is_delivered(world: World) -> None:
    world.kinesis.add("s-0", *_ids(1))
    worker = world.worker()
    assert worker.progress.through is None
    _run(worker)
    assert worker.progress.through == START.timestamp()
