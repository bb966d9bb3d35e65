"""The position on disk."""

from pathlib import Path

from sdpctl.local.delivery.batches import Span
from sdpctl.local.delivery.journal import Journal


def test_a_new_journal_has_no_position(tmp_path: Path) -> None:
    found = Journal.open(tmp_path / "folder" / "x.json")
    assert (found.positions, found.begun) == ({}, {})


def test_a_batch_that_was_begun_is_remembered_and_moves_nothing(tmp_path: Path) -> None:
    Journal.open(tmp_path / "x.json").begin({"s": Span("1", "9")})
    found = Journal.open(tmp_path / "x.json")
    assert (found.positions, found.begun) == ({}, {"s": Span("1", "9")})


def test_a_commit_moves_the_shards_of_the_batch_and_keeps_the_others(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "x.json")
    for batch in ({"a": Span("1", "9"), "b": Span("2", "3")}, {"a": Span("10", "12")}):
        journal.begin(batch)
        journal.commit()
    found = Journal.open(tmp_path / "x.json")
    assert (found.positions, found.begun) == ({"a": "12", "b": "3"}, {})
