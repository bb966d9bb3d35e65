"""What readers see while hours are compacted, however often a run is killed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from glue import PlatformError
from lambdas.compact.compaction import Action, LostLease
from lambdas.compact.lease import LENGTH, Leases
from lambdas.compact.plan import Limits
from lambdas.lakestore.hours import Hour, waiting
from lambdas.lakestore.partitions import Placement
from tests.unit.lambdas.compact.memory import (
    HOUR,
    START,
    TABLE,
    Clock,
    Fate,
    Killed,
    Memory,
    compaction,
)

ROWS = [f"row-{n:02d}" for n in range(10)]
SMALL = {"batch_bytes": 60}  # bytes: three batches and three buckets of the rows above


@pytest.fixture
def lake() -> Memory:
    """Five files of two rows."""
    memory = Memory()
    for n in range(5):
        memory.deliver(f"file-{n}", ROWS[2 * n : 2 * n + 2])
    return memory


@pytest.fixture
def clock() -> Clock:
    return Clock()


def files(lake: Memory) -> list[str]:
    return [key.removeprefix("machines/") for key in sorted(lake.stored)]


def after_grace(clock: Clock) -> None:
    clock.now += Limits().grace


def test_many_files_become_few_with_the_same_rows(
    lake: Memory, tmp_path: Path, clock: Clock
) -> None:
    done = compaction(lake, tmp_path, clock)(HOUR)
    assert done.action is Action.COMPACTED
    assert (done.files_read, len(done.merged.files)) == (5, 4)
    assert sorted(lake.query()) == ROWS


def test_a_row_that_was_delivered_twice_is_seen_once(
    lake: Memory, tmp_path: Path, clock: Clock
) -> None:
    lake.deliver("again", ROWS[3:5])
    done = compaction(lake, tmp_path, clock)(HOUR)
    assert (done.merged.rows_read, done.merged.rows_written) == (12, 10)
    assert sorted(lake.query()) == ROWS


def test_what_was_replaced_stays_until_the_grace_time_is_over(
    lake: Memory, tmp_path: Path, clock: Clock
) -> None:
    compact = compaction(lake, tmp_path, clock)
    reading = lake.resolve()
    compact(HOUR)
    clock.now += Limits().grace - timedelta(seconds=1)
    assert compact(HOUR).action is Action.NOTHING
    assert set(reading) <= set(lake.stored)
    clock.now += timedelta(seconds=1)
    done = compact(HOUR)
    assert (done.action, done.removed) == (Action.CLEANED, 6)
    generation = lake.placements[str(HOUR)].generation
    folder = "compacted/readings/date=2026-11-21/hour=10/"
    assert files(lake) == [
        f"{folder}{generation}.json",
        *(f"{folder}{generation}/00000-{n:05d}.parquet" for n in range(4)),
    ]
    assert sorted(lake.query()) == ROWS


def test_an_hour_that_is_done_costs_nothing(lake: Memory, tmp_path: Path, clock: Clock) -> None:
    compact = compaction(lake, tmp_path, clock)
    compact(HOUR)
    after_grace(clock)
    compact(HOUR)
    assert list(waiting(lake, TABLE)) == []


def test_a_late_file_is_seen_after_the_next_run_and_the_rest_only_once(
    lake: Memory, tmp_path: Path, clock: Clock
) -> None:
    compact = compaction(lake, tmp_path, clock)
    compact(HOUR)
    lake.deliver("late", ["late-1", ROWS[0]])
    assert sorted(lake.query()) == ROWS
    done = compact(HOUR)
    assert (done.action, done.files_read) == (Action.COMPACTED, 5)  # four merged ones, and it
    assert sorted(lake.query()) == ["late-1", *ROWS]
    assert lake.placements[str(HOUR)].generation.startswith("000002-")
    after_grace(clock)
    compact(HOUR)
    assert not [key for key in files(lake) if "/000001-" in key or key.startswith("parquet/")]
    lake.deliver("much-later", ["late-2"])
    assert [hour.start for hour in waiting(lake, TABLE)] == [START]
    compact(HOUR)
    assert sorted(lake.query()) == ["late-1", "late-2", *ROWS]


def test_a_file_whose_content_changed_is_new(lake: Memory, tmp_path: Path, clock: Clock) -> None:
    compact = compaction(lake, tmp_path, clock)
    compact(HOUR)
    lake.deliver("file-0", [*ROWS[:2], "more"])
    compact(HOUR)
    assert sorted(lake.query()) == ["more", *ROWS]


class Late(Memory):
    """While the files are merged, one more is delivered, and then another."""

    def upload(self, path: Path, key: str) -> None:
        super().upload(path, key)
        name = f"late-{len([k for k in self.stored if '/late-' in k])}"
        if name != "late-2":
            self.deliver(name, [name])


def test_what_readers_see_already_is_never_hidden(tmp_path: Path, clock: Clock) -> None:
    lake = Late()
    lake.deliver("file", ["row"])
    done = compaction(lake, tmp_path, clock)(HOUR)
    assert done.action is Action.COMPACTED
    assert sorted(lake.query()) == ["late-0", "late-1", "row"]


def test_an_hour_that_is_not_closed_is_left_alone(lake: Memory, tmp_path: Path) -> None:
    clock = Clock(START + timedelta(hours=1, minutes=14, seconds=59))
    assert compaction(lake, tmp_path, clock)(HOUR).action is Action.OPEN
    assert lake.fate.steps == 0


def test_an_hour_that_is_no_partition_yet_is_left_alone(tmp_path: Path, clock: Clock) -> None:
    lake = Memory()
    lake.stored[f"{HOUR.delivered}file"] = b'["row"]'
    assert compaction(lake, tmp_path, clock)(HOUR).action is Action.UNREGISTERED


def test_a_dry_run_changes_nothing(lake: Memory, tmp_path: Path, clock: Clock) -> None:
    before = dict(lake.stored)
    done = compaction(lake, tmp_path, clock)(HOUR, dry_run=True)
    assert (done.action, done.files_read) == (Action.PLANNED, 5)
    assert lake.stored == before


def test_two_runs_never_work_on_one_hour(lake: Memory, tmp_path: Path, clock: Clock) -> None:
    key = f"{HOUR.compacted}lease.json"
    lease = Leases(lake, clock).take(key)
    assert lease is not None
    assert Leases(lake, clock).take(key) is None
    assert compaction(lake, tmp_path, clock)(HOUR).action is Action.BUSY
    clock.now += LENGTH
    assert compaction(lake, tmp_path, clock)(HOUR).action is Action.COMPACTED


def test_a_lease_that_was_taken_over_is_not_given_back(lake: Memory, clock: Clock) -> None:
    first = Leases(lake, clock).take("lease")
    clock.now += LENGTH
    assert Leases(lake, clock).take("lease") is not None
    assert first is not None
    Leases(lake, clock).release(first)
    assert "lease" in lake.stored


def test_a_run_that_outlives_its_lease_changes_nothing_for_readers(
    lake: Memory, tmp_path: Path, clock: Clock
) -> None:
    compact = compaction(lake, tmp_path, clock)

    class Slow(Memory):
        def upload(self, path: Path, key: str) -> None:
            super().upload(path, key)
            clock.now += LENGTH

    slow = Slow(stored=lake.stored, placements=lake.placements)
    with pytest.raises(LostLease):
        replace(compact, objects=slow)(HOUR)
    assert lake.placements[str(HOUR)] == Placement(HOUR.delivered)


def test_files_of_a_generation_that_vanish_before_it_is_shown_are_made_again(
    lake: Memory, tmp_path: Path, clock: Clock
) -> None:
    def forgetful(path: Path, key: str) -> None:
        lake.fate.step()

    compact = compaction(lake, tmp_path, clock)
    lake.upload, upload = forgetful, lake.upload  # type: ignore[method-assign]
    with pytest.raises(PlatformError, match="the next run re-creates them"):
        compact(HOUR)
    lake.upload = upload  # type: ignore[method-assign]
    compact(HOUR)
    assert sorted(lake.query()) == ROWS


def test_a_lost_manifest_costs_one_more_merge_and_no_row(
    lake: Memory, tmp_path: Path, clock: Clock
) -> None:
    compact = compaction(lake, tmp_path, clock)
    compact(HOUR)
    del lake.stored[f"{HOUR.compacted}{lake.placements[str(HOUR)].generation}.json"]
    assert compact(HOUR).action is Action.COMPACTED
    assert sorted(lake.query()) == ROWS
    assert compact(HOUR).action is Action.NOTHING


def test_a_partition_that_does_not_fit_on_the_disk_goes_through_buckets(
    lake: Memory, tmp_path: Path, clock: Clock
) -> None:
    lake.deliver("again", ROWS[3:5])
    done = compaction(lake, tmp_path, clock, **SMALL)(HOUR)
    assert (done.merged.rows_read, done.merged.rows_written) == (12, 10)
    assert sorted(lake.query()) == ROWS


def test_a_run_without_time_is_continued_by_the_next(
    lake: Memory, tmp_path: Path, clock: Clock
) -> None:
    compact, runs, requested = compaction(lake, tmp_path, clock, **SMALL), 1, 0

    def once() -> bool:  # enough for one more piece of work
        nonlocal requested
        requested += 1
        return requested == 1

    while compact(HOUR, once).action is Action.UNFINISHED:
        runs, requested = runs + 1, 0
        assert sorted(lake.query()) == ROWS
    assert runs > 3
    assert sorted(lake.query()) == ROWS


@pytest.mark.parametrize("limits", [{}, SMALL], ids=["at once", "through buckets"])
def test_a_run_may_be_killed_at_any_step(
    limits: dict[str, int], tmp_path: Path, clock: Clock
) -> None:
    whole = _steps(tmp_path, clock, limits)
    for first in range(whole):
        for second in {0, first // 2, first}:  # the run after it is killed as well
            lake, mine = _lake(), Clock()
            _killed(lake, tmp_path, mine, first, limits)
            assert sorted(lake.query()) == ROWS
            mine.now += LENGTH
            _killed(lake, tmp_path, mine, second, limits)
            assert sorted(lake.query()) == ROWS
            mine.now += LENGTH
            lake.fate = Fate()
            _until_idle(lake, tmp_path, mine, limits)
            assert sorted(lake.query()) == ROWS
            assert _leftovers(lake) == []


def test_a_late_file_may_be_merged_by_a_run_that_is_killed_at_any_step(
    tmp_path: Path, clock: Clock
) -> None:
    for last in range(60):
        lake, mine = _lake(), Clock()
        compaction(lake, tmp_path, mine)(HOUR)
        lake.deliver("late", ["late", ROWS[0]])
        _killed(lake, tmp_path, mine, last, {})
        assert sorted(lake.query()) in (ROWS, ["late", *ROWS])
        mine.now += LENGTH
        lake.fate = Fate()
        _until_idle(lake, tmp_path, mine, {})
        assert sorted(lake.query()) == ["late", *ROWS]
        assert _leftovers(lake) == []


def _lake() -> Memory:
    memory = Memory()
    for n in range(5):
        memory.deliver(f"file-{n}", ROWS[2 * n : 2 * n + 2])
    return memory


def _steps(folder: Path, clock: Clock, limits: dict[str, int]) -> int:
    """How many steps a run of one hour has, and the one that cleans up."""
    lake, mine = _lake(), Clock()
    _until_idle(lake, folder, mine, limits)
    return lake.fate.steps


def _killed(lake: Memory, folder: Path, clock: Clock, last: int, limits: dict[str, int]) -> None:
    """Run until that many steps were done, then be gone."""
    lake.fate = Fate(last=last)
    try:
        compaction(lake, folder, clock, **limits)(HOUR)
        clock.now += Limits().grace
        compaction(lake, folder, clock, **limits)(HOUR)
    except Killed:
        pass
    lake.fate = Fate()


def _until_idle(lake: Memory, folder: Path, clock: Clock, limits: dict[str, int]) -> None:
    compact = compaction(lake, folder, clock, **limits)
    while list(waiting(lake, TABLE)):
        compact(HOUR)
        clock.now += Limits().grace


def _leftovers(lake: Memory) -> list[str]:
    """Objects that belong to nothing readers see, but for the lease of a last, killed run."""
    generation = lake.placements[str(HOUR)].generation
    own = tuple(HOUR.compacted + n for n in (f"{generation}/", f"{generation}.json", "lease.json"))
    return [key for key in lake.stored if not key.startswith(own)]


def test_folders_that_are_no_hours_are_passed_over() -> None:
    lake = Memory()
    for folder in ("date=2026-11-21/hour=99", "date=2026-02-31/hour=01", "other/hour=01", "date="):
        lake.stored[f"{TABLE.parquet_folder}{folder}/file"] = b"[]"
    lake.deliver("file", ["row"], earlier := Hour(TABLE, START - timedelta(days=1)))
    lake.deliver("file", ["row"])
    assert list(waiting(lake, TABLE)) == [earlier, HOUR]
