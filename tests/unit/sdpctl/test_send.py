"""The send command: its counts, its exit status, and what it refuses at once."""

import io
import json
from collections import Counter

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from sdpctl.commands.send import send, show
from sdpctl.errors import CommandError
from sdpctl.sending import Tally

app = typer.Typer()
app.command()(send)


def _run(*arguments):
    return CliRunner().invoke(app, [*arguments, "--api-key", "secret"])


def _shown(tally):
    text = io.StringIO()
    show(tally, Console(file=text, width=100))
    return text.getvalue()


def test_unanswered_lines_are_a_number_of_their_own_with_the_cause_and_what_to_do():
    text = _shown(Tally(accepted=1000, unanswered=2, cause="ConnectError: refused"))
    assert "accepted 1,000  rejected 0  unanswered 2" in text
    assert "ConnectError: refused" in text
    assert "send the file again" in text


def test_where_all_is_answered_nothing_more_is_said():
    assert _shown(Tally(accepted=3)) == "accepted 3  rejected 0  unanswered 0\n"


@pytest.mark.parametrize(
    "url", ["notaurl", "ftp://host/x", "http://", "http://host:port", "", "//host"]
)
def test_what_is_no_url_is_refused_at_once(url, tmp_path):
    (tmp_path / "events").write_text('{"type": "click"}\n')
    result = _run(str(tmp_path / "events"), "--url", url)
    assert isinstance(result.exception, CommandError)
    assert "--url" in str(result.exception)


def test_a_folder_is_called_a_folder_and_what_is_not_there_is_not(tmp_path):
    folder = _run(str(tmp_path), "--url", "http://127.0.0.1:9")
    assert (folder.exit_code, "is a folder" in folder.stderr) == (2, True)
    nothing = _run(str(tmp_path / "no"), "--url", "http://127.0.0.1:9")
    assert (nothing.exit_code, "does not exist" in nothing.stderr) == (2, True)


def test_warnings_are_shown_with_their_number():
    text = _shown(Tally(accepted=2000, warnings=Counter({"is old": 1500})))
    assert "1,500 accepted, but is old" in text


def test_refused_lines_are_written_with_their_reasons(tmp_path):
    (tmp_path / "events").write_bytes(b"{oops\n[1]\n")
    kept = tmp_path / "kept"
    result = _run(str(tmp_path / "events"), "--url", "http://127.0.0.1:9", "--rejected", str(kept))
    assert result.exit_code == 1
    first, second = map(json.loads, kept.read_text().splitlines())
    assert (first["line"], first["record"], first["message"][:8]) == (1, "{oops", "not JSON")
    assert second == {"line": 2, "field": "", "message": "not a JSON object", "record": "[1]"}
    assert str(kept) in result.stderr.replace("\n", "")


def test_a_file_for_refused_lines_that_cannot_be_written_is_refused_at_once(tmp_path):
    (tmp_path / "events").write_text('{"type": "click"}\n')
    result = _run(str(tmp_path / "events"), "--url", "http://127.0.0.1:9", "--rejected", "/no/x")
    assert isinstance(result.exception, CommandError)
    assert "--rejected /no/x" in str(result.exception)
