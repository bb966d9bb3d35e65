"""What the command stores, and what an interruption leaves of it; the job is tested elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sdpctl.backfill.comparing import Bucket, Buckets, Key
from sdpctl.backfill.computing import Computed
from sdpctl.backfill.originals import Counted
from sdpctl.backfill.plan import Plan, Span, plan
from sdpctl.commands import recomputing
from sdpctl.commands import replay as command
from sdpctl.errors import CommandError
from sdpctl.local.replays import Notes
from sdpctl.replay.computing import NoRecordsError
from sdpctl.replay.work import Work
from sdpctl.settings import Settings
from usecases.adtech import USE_CASE

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAN = plan(Span(START, START + HOUR), USE_CASE.configured({}))
NAMES = ("bids", "impressions", "clicks", "spend")
EQUAL, WRONG, GONE, NEW = (Key("campaigns", n, int(START.timestamp())) for n in range(4))


def bucket(bids: int, generation: int = 0) -> Bucket:
    """A bucket with bids alone."""
    return Bucket(dict(zip(NAMES, (bids, 0, 0, 0), strict=True)), bids, generation)


STORED = {EQUAL: bucket(1), WRONG: bucket(9, generation=2), GONE: bucket(4)}
TRUE = {EQUAL: bucket(1), WRONG: bucket(5), NEW: bucket(3)}


class Live:
    """The stored buckets. A write is interrupted after `limit` of them."""

    def __init__(self) -> None:
        self.held: Buckets = dict(STORED)
        self.limit = 100
        self.written: list[tuple[Key, int]] = []

    def created(self) -> datetime:
        return START

    def buckets(self, _: Span) -> Buckets:
        return dict(self.held)

    def write(self, buckets: Buckets, generation: int, progress: Callable[[int], None]) -> None:
        for number, (key, found) in enumerate(buckets.items()):
            if number == self.limit:
                raise KeyboardInterrupt
            self.held[key] = Bucket(found.measures, found.version, generation)
            self.written.append((key, generation))
            progress(1)


class Source:
    """Streams that have it all."""

    def require_retained(self, made: Plan, tables_since: datetime) -> None:
        assert (made, tables_since) == (PLAN, START)

    def end(self, _: Plan) -> datetime:
        return START + 4 * HOUR


@dataclass
class Parts:
    """What a replay needs."""

    work: Work
    live: Live = field(default_factory=Live)
    source: Source = field(default_factory=Source)
    use_case: Any = USE_CASE
    failure: Exception | None = None
    ended: int = 0
    notes: Any = None

    def __post_init__(self) -> None:
        self.notes = Notes(self.work.folder.parent / "running.json")

    def store(self, console: Console, buckets: Buckets, generation: int, span: Span) -> None:
        recomputing.store(self.live, buckets, generation, span, console)  # type: ignore[arg-type]

    def require_final(self, buckets: Span) -> None:
        assert buckets == PLAN.buckets

    def end_run(self) -> None:
        self.ended += 1

    def compute(self, *_: Any) -> Computed:
        if self.failure:
            raise self.failure
        return Computed(dict(TRUE), Counted(records=9), 1.0)

    def values(self) -> dict[Key, Any]:
        """What readers see: buckets without records are none."""
        return {key: found.measures for key, found in self.live.held.items() if found.version}


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    """A replay of an hour of which one bucket is wrong, one should not be and one is missing."""
    return Parts(Work(tmp_path / "local" / "adtech"))


def run(parts: Parts, *, dry_run: bool = False) -> int:
    """The number of differences."""
    return len(command._run(Console(quiet=True), parts, PLAN, dry_run=dry_run))  # type: ignore[arg-type]


def values(buckets: Buckets) -> dict[Key, Any]:
    """Their measures."""
    return {key: found.measures for key, found in buckets.items()}


def test_what_differs_is_replaced_in_a_generation_above_all_and_the_rest_stays(
    parts: Parts,
) -> None:
    run(parts)
    assert parts.values() == values(TRUE)
    assert sorted(parts.live.written) == [(WRONG, 3), (GONE, 3), (NEW, 3)]
    assert parts.live.held[EQUAL] == STORED[EQUAL]
    assert not parts.work.folder.exists()
    assert run(parts) == 0
    assert len(parts.live.written) == 3


def test_a_dry_run_shows_new_and_old_values_and_stores_nothing(
    parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(parts, dry_run=True) == 1 + 4 + 4
    shown = capsys.readouterr().out
    assert "1 buckets are equal, 3 differ\n" in shown
    [wrong] = [line for line in shown.splitlines() if "│ 1 " in line]
    assert wrong.split()[-4:-1] == ["5", "│", "9"]
    assert parts.live.held == STORED
    assert not parts.work.folder.exists()


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_a_replay_that_is_interrupted_while_it_stores_goes_on(parts: Parts, limit: int) -> None:
    parts.live.limit = limit
    with pytest.raises(KeyboardInterrupt):
        run(parts)
    parts.live.limit = 100
    assert run(parts, dry_run=True) > 0
    run(parts)
    assert parts.values() == values(TRUE)
    assert not parts.work.folder.exists()


@pytest.mark.parametrize("limits", [[0], [1], [2], [1, 0], [1, 1], [2, 0]])
def test_a_replay_that_is_dropped_while_it_stores_leaves_what_was_before(
    parts: Parts, limits: list[int]
) -> None:
    """Also after a second try: what that replaces is not what was before."""
    for parts.live.limit in limits:
        with pytest.raises(KeyboardInterrupt):
            run(parts)
    parts.live.limit = 100
    command._drop(Console(quiet=True), parts)  # type: ignore[arg-type]
    assert parts.values() == values(STORED)
    assert not parts.work.folder.exists()
    assert parts.ended == len(limits) + 1


def test_what_was_written_and_is_stored_only_after_the_drop_changes_nothing(parts: Parts) -> None:
    """It is on its way through the stream while the replay is dropped."""
    parts.live.limit = 2
    with pytest.raises(KeyboardInterrupt):
        run(parts)
    pending, parts.live.held, parts.live.limit = parts.live.held, dict(STORED), 100
    command._drop(Console(quiet=True), parts)  # type: ignore[arg-type]
    for key, late in pending.items():
        if late.generation > parts.live.held[key].generation:
            parts.live.held[key] = late
    assert parts.values() == values(STORED)


def test_one_that_failed_says_how_to_go_on_and_one_of_nothing_leaves_nothing(
    parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    parts.failure = CommandError("the replay's job failed")
    with pytest.raises(CommandError, match="job failed"):
        command._run(Console(stderr=True, soft_wrap=True), parts, PLAN, dry_run=False)  # type: ignore[arg-type]
    said = "take it back: ./sdp replay --use-case adtech --drop"
    assert said in capsys.readouterr().err
    assert parts.work.range() == PLAN.buckets
    parts.failure = NoRecordsError("the streams have no records")
    with pytest.raises(CommandError, match="no records"):
        command._run(Console(stderr=True, soft_wrap=True), parts, PLAN, dry_run=False)  # type: ignore[arg-type]
    assert said not in capsys.readouterr().err
    assert parts.work.range() is None


def test_there_may_be_nothing_to_drop(
    parts: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or something of another use case, or in another region."""
    Work(tmp_path / "eu-west-1" / "shopping").begin(PLAN, START)
    command._drop(Console(stderr=True, soft_wrap=True), parts)  # type: ignore[arg-type]
    assert parts.live.written == []
    said = capsys.readouterr().err
    assert "adtech has no interrupted replay; to drop that of 2026-11-21T10" in said
    assert "./sdp replay --use-case shopping --region eu-west-1 --drop" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "--from: missing"),
        ({"from_": "2026-11-21"}, "--to: missing"),
        ({"to": "2026-11-21"}, "--from: missing"),
        ({"drop": True, "from_": "2026-11-21"}, "--drop: takes no --from"),
        ({"drop": True, "dry_run": True}, "--drop: takes no --from"),
        ({"from_": "yesterday", "to": "2026-11-21"}, "--from 'yesterday'"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: dict[str, object],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("SDP_HOME", str(tmp_path))
    with pytest.raises(CommandError, match=message):
        command.replay(**options)  # type: ignore[arg-type]
    assert not (Settings.load().home / "replay").exists()
