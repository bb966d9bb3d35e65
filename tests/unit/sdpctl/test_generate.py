"""The generate command: files, defaults and refusals."""

from datetime import UTC, datetime, timedelta

import orjson
import typer
from typer.testing import CliRunner

from sdpctl.commands.generate import default_start, generate

app = typer.Typer()
app.command()(generate)
RUN = ["--use-case", "adtech", "--events", "500", "--seed", "7", "--start", "2026-11-21T10:00:00Z"]


def _run(*arguments):
    return CliRunner().invoke(app, [*RUN, *arguments])


def test_the_events_and_their_truth_are_written_to_files(tmp_path):
    out, truth = tmp_path / "events.ndjson", tmp_path / "truth.json"
    result = _run("--duplicates", "0.1", "--out", str(out), "--truth", str(truth))
    assert result.exit_code == 0, result.output
    expected = orjson.loads(truth.read_bytes())
    assert len(out.read_bytes().splitlines()) == expected["sent"] > expected["distinct"] == 500


def test_the_same_command_gives_the_same_bytes(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for path in (first, second):
        _run("--duplicates", "0.2", "--shuffle", "5", "--late", "0.1", "--out", str(path))
    assert first.read_bytes() == second.read_bytes()


def test_without_a_start_everything_lies_in_the_past_from_a_ten_minute_mark():
    present = datetime(2026, 11, 21, 14, 0, 5, tzinfo=UTC)
    assert default_start(present, timedelta(seconds=20)) == datetime(
        2026, 11, 21, 13, 50, tzinfo=UTC
    )


def test_a_share_or_duration_that_makes_no_sense_is_refused_by_name():
    assert "late-by" in _run("--late-by", "3 hours").output
    assert _run("--late-by", "3 hours").exit_code == 2
    assert "unheard" in CliRunner().invoke(app, [*RUN, "--use-case", "unheard"]).output
