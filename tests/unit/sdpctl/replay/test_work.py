"""What an interrupted replay leaves is used by the same one, and by no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sdpctl.backfill.comparing import Bucket, Key
from sdpctl.backfill.plan import Plan, Span, plan
from sdpctl.errors import CommandError
from sdpctl.replay.work import Work
from usecases.adtech import USE_CASE

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
END = START + 4 * HOUR
OLD, NEW = Bucket({"bids": 1, "last": None}, 1, 2), Bucket({"bids": 3, "last": 0.5}, 3, 3)
ONE, TWO = Key("campaigns", 1, 0), Key("campaigns", "two", 300)


def made(hours: int = 1, **parameters: str) -> Plan:
    """The plan of a range of that many hours."""
    return plan(Span(START, START + hours * HOUR), USE_CASE.configured(parameters))


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A replay of an hour that was interrupted after it had read something."""
    found = Work(tmp_path / "local" / "adtech")
    assert found.end(made()) is None
    found.begin(made(), END)
    found.shards.mkdir()
    found.run.mkdir()
    return found


def test_the_same_replay_goes_on_with_what_was_read_and_a_new_run(work: Work) -> None:
    assert work.end(made()) == END
    work.begin(made(), END)
    assert work.shards.exists()
    assert not work.run.exists()
    assert work.range() == Span(START, START + HOUR)


@pytest.mark.parametrize("other", [made(hours=2), made(CorrelationWindow="PT2H")])
def test_another_replay_begins_anew(work: Work, other: Plan) -> None:
    """Other parameters make other records decide about the same range."""
    assert work.end(other) is None
    assert not work.folder.exists()


def test_another_replay_is_refused_while_a_part_of_one_is_stored(work: Work) -> None:
    work.keep_former({ONE: OLD}, 3)
    with pytest.raises(CommandError, match="has stored a part of its result") as error:
        work.end(made(hours=2))
    assert (
        "./sdp replay --use-case adtech --from 2026-11-21T10:00:00.000Z --to 2026-11-21T11"
        in str(error.value)
    )
    assert work.end(made()) == END


def test_what_was_stored_before_is_kept_as_it_was_however_often_the_replay_is_tried(
    work: Work,
) -> None:
    assert work.former() == ({}, 0)
    work.keep_former({ONE: OLD}, 5)
    work.keep_former({ONE: NEW, TWO: NEW}, 4)
    assert work.former() == ({ONE: OLD, TWO: NEW}, 5)


@pytest.mark.parametrize(("stored", "left"), [(True, False), (False, True)])
def test_a_dry_run_leaves_what_is_needed_to_take_a_part_back(
    work: Work, stored: bool, left: bool
) -> None:
    work.keep_former({ONE: OLD}, 3)
    work.finish(stored=stored)
    assert work.folder.exists() == left


def test_a_dry_run_leaves_nothing_else(work: Work) -> None:
    work.finish(stored=False)
    assert not work.folder.exists()
    assert work.range() is None
