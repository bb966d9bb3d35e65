"""The generate command: files, defaults and refusals."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
import typer
from typer.testing import CliRunner

import usecases
from glue import instants
from glue.errors import ParameterError
from sdpctl.clock import now
from sdpctl.commands.generate import default_start, generate, generator_of

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


def test_without_a_start_the_last_event_is_of_now():
    present = datetime(2026, 11, 21, 14, 0, 5, 999, tzinfo=UTC)
    assert default_start(present, timedelta(seconds=20)) == datetime(
        2026, 11, 21, 13, 59, 45, tzinfo=UTC
    )


def test_events_of_the_defaults_count_and_nothing_is_said():
    result = CliRunner().invoke(app, ["--use-case", "adtech", "--events", "500"])
    last = instants.parse(orjson.loads(result.stdout.splitlines()[-1])["occurred_at"])
    assert timedelta(0) < now() - last < timedelta(minutes=1)
    assert "AllowedLateness" not in result.stderr


@pytest.mark.parametrize("arguments", [["--start", "2026-11-21T10:00:00Z"], ["--rate", "0.1"]])
def test_events_that_are_too_old_to_be_counted_are_said_to_be(arguments):
    result = CliRunner().invoke(app, ["--use-case", "adtech", "--events", "500", *arguments])
    assert result.exit_code == 0
    assert "AllowedLateness" in result.stderr


@pytest.mark.parametrize(("ahead", "is_late"), [(-6, True), (60, False)])
def test_a_use_case_without_a_lateness_warns_of_what_is_behind_the_watermark(ahead, is_late):
    start = instants.to_wire(now() + timedelta(seconds=ahead))
    arguments = ["--use-case", "shopping", "--events", "50", "--start", start]
    assert ("WatermarkDelay" in CliRunner().invoke(app, arguments).stderr) is is_late


def test_a_use_case_without_a_generator_is_refused_with_what_to_add(tmp_path, monkeypatch):
    (tmp_path / "silent").mkdir()
    (tmp_path / "silent" / "__init__.py").write_text("")
    monkeypatch.setattr(usecases, "__path__", [*usecases.__path__, str(tmp_path)])
    with pytest.raises(ParameterError, match=r"--use-case silent: .*usecases/silent/generator.py"):
        generator_of("silent")


def test_a_share_or_duration_that_makes_no_sense_is_refused_by_name():
    assert "late-by" in _run("--late-by", "3 hours").output
    assert _run("--late-by", "3 hours").exit_code == 2
    assert "unheard" in CliRunner().invoke(app, [*RUN, "--use-case", "unheard"]).output


REFUSED = {
    "--rate nan": "from 0.001 to 1000000",
    "--rate 0": "--rate 0.0: must be from 0.001 to 1000000",
    "--rate 1e-9": "--rate 1e-09: must be from 0.001 to 1000000",
    "--rate -3": "--rate -3.0: must be from 0.001 to 1000000",
    "--shuffle inf": "--shuffle inf: must be from 0 to 86400",
    "--shuffle 1e300": "--shuffle 1e+300: must be from 0 to 86400",
    "--late nan": "--late nan: must be from 0 to 0.5",
    "--drift 1e300": "--drift 1e+300: must be from -10 to 10",
    "--events -1": "--events -1: must be from 0 to 10000000000",
    "--start 0001-01-01T00:00:00Z": "not within the years 1970 to 9999",
    "--start 9999-12-31T23:59:59.999Z": "not within the years 1970 to 9999",
    "--start 2026-11-21T10:00:00": "not RFC 3339 with an offset",
    "--start 1970-01-01T01:00:00Z --late 0.1": "--late-by PT3H before --start",
    "--rate 0.001 --events 9000000000": "not within the years 1970 to 9999",
    "--late-by PT0S": "--late-by PT0S: must be longer than zero",
    "--period PT0S": "must divide 15 minutes, or be a multiple of them that divides a day",
    "--period PT7M": "must divide 15 minutes, or be a multiple of them that divides a day",
    "--out /dev/full": "--out /dev/full: No space left on device",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_cannot_be_generated_is_refused_in_one_line_with_its_option(arguments):
    result = _run(*arguments.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert REFUSED[arguments] in result.stderr.splitlines()[-1]
    assert arguments.split()[0] in result.stderr.splitlines()[-1]


def test_events_that_would_have_begun_before_all_calendars_are_refused():
    result = CliRunner().invoke(
        app, ["--use-case", "adtech", "--events", "9000000000", "--rate", "0.001"]
    )
    assert result.exit_code == 2
    assert "no start is early enough" in result.stderr


@pytest.mark.parametrize("option", ["--out", "--truth"])
def test_a_file_that_cannot_be_written_is_refused_before_any_event_is(option, tmp_path):
    other = tmp_path / "other"
    files = ["--truth" if option == "--out" else "--out", str(other)]
    for path, reason in (
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "x", f"folder {tmp_path / 'no'} does not exist"),
    ):
        result = _run(option, str(path), *files)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"{option} {path}: {reason}")
    assert not other.exists()


def test_events_and_truth_are_not_written_to_one_file(tmp_path):
    (tmp_path / "folder").mkdir()
    same = tmp_path / "folder" / ".." / "x"
    result = _run("--out", str(tmp_path / "x"), "--truth", str(same))
    assert result.exit_code == 2
    assert "are the same file" in result.stderr
    assert not same.exists()


def test_without_a_use_case_the_catalogs_first_is_taken(tmp_path):
    out, other = tmp_path / "a", tmp_path / "b"
    assert CliRunner().invoke(app, [*RUN[2:], "--out", str(out)]).exit_code == 0
    _run("--out", str(other))
    assert out.read_bytes() == other.read_bytes()
