"""The journal of what the emulator has accepted, one behaviour a test."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sdpctl.local.launcher import journal as journals
from sdpctl.local.launcher.journal import Journal


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment is full with its second entry."""
    monkeypatch.setattr(journals, "SEGMENT_BYTES", 40)


def _names(folder: Path, after: int = 0) -> list[str]:
    """The entries that a new process finds."""
    return [entry["name"] for entry in Journal(folder).entries(after) if "name" in entry]


def _appended(journal: Journal, *names: str) -> Journal:
    for name in names:
        journal.append({"name": name})
    return journal


def test_entries_come_back_in_their_order_from_a_number_on(tmp_path: Path) -> None:
    journal = _appended(Journal(tmp_path), "one", "two", "three")
    assert journal.number == 3
    assert _names(tmp_path) == ["one", "two", "three"]
    assert _names(tmp_path, after=2) == ["three"]


@pytest.mark.parametrize("torn", [b'{"number":3,"na', b'{"number":3,"name":"three"}', b"\x00\x00"])
def test_a_line_without_its_end_is_dropped_and_later_entries_follow_the_last_whole_one(
    tmp_path: Path, torn: bytes
) -> None:
    _appended(Journal(tmp_path), "one", "two")
    (segment,) = tmp_path.iterdir()
    with segment.open("ab") as file:
        file.write(torn)
    after = Journal(tmp_path)
    assert [e["name"] for e in after.entries(0)] == ["one", "two"]
    _appended(after, "three")
    assert _names(tmp_path) == ["one", "two", "three"]


@pytest.mark.usefixtures("small_segments")
def test_each_segment_begins_with_the_head_of_its_time(tmp_path: Path) -> None:
    known: list[str] = []
    journal = Journal(tmp_path, lambda: {"known": len(known)})
    for name in ("one", "two", "three", "four"):
        known.append(name)
        journal.append({"name": name})
    first, *others = [next(journals._complete(p))["known"] for p in journal.segments()]
    assert first == 1
    assert others == sorted(others)
    assert len(others) >= 1
    assert _names(tmp_path) == known


@pytest.mark.usefixtures("small_segments")
def test_what_is_saved_is_dropped_by_whole_segments(tmp_path: Path) -> None:
    journal = _appended(Journal(tmp_path), "one", "two", "three", "four", "five")
    journal.drop(3)
    assert _names(tmp_path, after=3) == ["four", "five"]
    assert len(_names(tmp_path)) <= 3
    journal.drop(5)
    assert journal.segments() == []
    _appended(journal, "six")
    assert _names(tmp_path, after=5) == ["six"]


@pytest.mark.usefixtures("small_segments")
def test_old_segments_go_and_the_one_that_is_written_stays(tmp_path: Path) -> None:
    journal = _appended(Journal(tmp_path), "one", "two", "three")
    for path in journal.segments():
        os.utime(path, (1000, 1000))
    journal.drop_older(2000)
    assert _names(tmp_path) == ["three"]


@contextmanager
def _full() -> Iterator[None]:
    """No file can become larger than 100 bytes; also none that the tests' own output goes to."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_entry_that_does_not_fit_leaves_nothing_of_itself(tmp_path: Path) -> None:
    with _full():
        journal = _appended(Journal(tmp_path), "one")
        with pytest.raises(OSError, match="large"):
            journal.append({"name": "x" * 200})
        _appended(journal, "two")
    assert _names(tmp_path) == ["one", "two"]


def test_a_segment_whose_head_does_not_fit_is_not_begun(tmp_path: Path) -> None:
    journal = Journal(tmp_path, lambda: {"head": "x" * 200})
    with _full():
        for _ in range(2):
            with pytest.raises(OSError, match="large"):
                journal.append({"name": "one"})
    assert (journal.segments(), journal.number) == ([], 0)


def test_calls_that_wait_at_the_same_time_share_one_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, syncs, sync = Journal(tmp_path), list[int](), os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (syncs.append(file), sync(file)))

    async def put(number: int) -> None:
        _appended(journal, str(number))
        await journal.synced()

    async def run() -> None:
        await asyncio.gather(*(put(number) for number in range(20)))

    asyncio.run(run())
    assert 1 <= len(syncs) <= 3
