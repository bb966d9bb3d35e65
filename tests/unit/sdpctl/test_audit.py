"""What `./sdp audit` refuses, and what it says of a minute and of its missing records."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from typer.testing import CliRunner

import usecases
from infra.topology import Topology
from lambdas.balance import Minute
from lambdas.missing import MissingRecord, MissingRecords
from sdpctl.cli import app
from sdpctl.commands import audit
from sdpctl.errors import CommandError
from sdpctl.settings import ROOT

EXAMPLES = ROOT / "tests" / "usecases"
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "yesterday"], "--from yesterday: "),
        (["--to", "2026-03-01T10:00:00"], "--to 2026-03-01T10:00:00: "),
        (
            ["--from", "2026-03-02T00:00:00Z", "--to", "2026-03-01T00:00:00Z"],
            "must be before --to, 2026-03-01T00:00:00.000Z",
        ),
    ],
)
def test_a_time_that_cannot_be_is_refused_by_its_option(options: list[str], said: str) -> None:
    done = CliRunner().invoke(app("audit"), ["audit", *options])
    assert isinstance(done.exception, CommandError)
    assert said in str(done.exception)


def _minute(missing: int, excess: int = 0, *, is_closed: bool = True) -> Minute:
    return Minute(
        use_case="adtech",
        minute=AT,
        ok=5,
        refused=0,
        unknown=0,
        outcomes=dict.fromkeys(audit.SHOWN, 0),
        redelivered=0,
        read=5,
        unread=0,
        waiting=0,
        is_closed=is_closed,
        missing=missing,
        excess=excess,
    )


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Console:
    made = Console(record=True, width=200)
    monkeypatch.setattr(audit, "console", lambda: made)
    return made


@pytest.mark.parametrize(
    ("missing", "excess", "is_closed", "state"),
    [(3, 0, True, "3 missing"), (0, 2, False, "2 too many"), (0, 0, True, "closed")],
)
def test_the_state_says_what_is_wrong(
    missing: int, excess: int, is_closed: bool, state: str, screen: Console
) -> None:
    audit._show([_minute(missing, excess, is_closed=is_closed)])
    text = screen.export_text()
    assert "2026-03-01T10:00Z" in text
    assert state in text


def test_missing_records_are_below_their_minute_with_what_cannot_be_known(
    screen: Console,
) -> None:
    times = ("2026-03-01T10:00:01.000Z", "2026-03-01T10:00:02.000Z")
    seen = "stream bcns; parquet_bcns, date 2026-03-01, hour 10"
    record = MissingRecord("e[1]", "imp", "t1", *times, "missing", seen)
    known = MissingRecords((record,), 7, ("[so] it is",))
    audit._show_missing(audit.Audited([_minute(8)], {AT: known}))
    head, titles, row, more, note = screen.export_text().split("\n")[1:-1]
    assert head == "adtech: 8 missing of 2026-03-01T10:00Z"
    assert titles.split()[:2] == ["type", "event_id"]
    assert row.split()[:6] == ["imp", "e[1]", "t1", *times, "missing"]
    assert row.rstrip().endswith(seen)
    assert more == "… and 7 more: --records lists up to 500"
    assert note == "[so] it is"


def test_minutes_that_were_not_looked_up_are_counted(screen: Console) -> None:
    earlier = replace(_minute(1), minute=AT - timedelta(minutes=1))
    audited = audit.Audited([earlier, _minute(1)], {AT: MissingRecords()})
    audit._show_missing(audited)
    assert "1 earlier minutes miss records too" in screen.export_text()


def test_a_lake_that_does_not_answer_is_a_note_and_no_error() -> None:
    def lookup(minute: Minute) -> MissingRecords:
        raise CommandError("TABLE_NOT_FOUND: line 3: parquet_bcns does not exist")

    [note] = audit._looked_up(lookup, _minute(1)).notes
    assert note.startswith("The records cannot be named, because the lake cannot be read: TABLE_")


def test_a_use_case_without_a_ledger_is_named_with_what_to_add(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(usecases, "__path__", [*usecases.__path__, str(EXAMPLES)])
    topology = Topology("sdp", usecases.load(("adtech", "doors", "rides")))
    assert [u.name for u in audit._audited(topology, None)] == ["adtech"]
    captured = capsys.readouterr()
    assert captured.out == ""
    expected = (
        "doors, rides: no ledger: what became of the events is not counted; create the view "
        "`decided` in a pipeline file: docs/ledger.md"
    )
    assert captured.err == f"{expected}\n"
    with pytest.raises(CommandError, match=r"^rides: no ledger: .* create the view `decided`"):
        audit._audited(topology, "rides")
