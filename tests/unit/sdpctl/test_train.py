"""Training and the models' commands: refusals before anything starts, and where nobody answers."""

import tarfile

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from sdpctl.commands.model import model, table
from sdpctl.commands.train import train
from sdpctl.errors import CommandError

app = typer.Typer()
app.command("train")(train)
app.add_typer(model, name="model")
COMMANDS = (["train", "--wait"], ["model", "list"], ["model", "show"], ["model", "rollback"])
EARLY, LATE = "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"
WINDOWS = {
    ("--from", "x"): "--from 'x': the time is not RFC 3339",
    ("--from", ""): "--from '': the time is not RFC 3339",
    ("--to", "2026-11-21"): "--to '2026-11-21': the time is not RFC 3339",
    ("--from", LATE, "--to", EARLY): f"--from {LATE}: must be before --to {EARLY}",
    ("--from", EARLY, "--to", EARLY): f"--from {EARLY}: must be before --to {EARLY}",
    ("--from", "9999-01-01T00:00:00Z"): "--from 9999-01-01T00:00:00Z: must be before now",
}


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("SDP_HOME", str(tmp_path / "home"))


def _refused(*arguments):
    result = CliRunner().invoke(app, list(arguments))
    assert isinstance(result.exception, CommandError), result.output
    return str(result.exception)


@pytest.mark.parametrize("arguments", WINDOWS)
def test_times_that_are_none_or_span_nothing_are_refused_before_anything_starts(arguments):
    assert _refused("train", *arguments).startswith(WINDOWS[arguments])


def test_an_artifact_is_a_tar_with_gzip_by_name_and_by_content(tmp_path):
    text, named = tmp_path / "one.ndjson", tmp_path / "model.tar.gz"
    for path in (text, named):
        path.write_text("{}")
    assert "must be a .tar.gz" in _refused("train", "--artifact", str(text))
    assert "is no tar compressed with gzip" in _refused("train", "--artifact", str(named))
    named.write_bytes(b"")
    assert "is no tar compressed with gzip" in _refused("train", "--artifact", str(named))
    assert "there is no such file" in _refused("train", "--artifact", str(tmp_path / "no.tar.gz"))


def test_an_artifact_that_is_one_gets_as_far_as_the_platform(tmp_path):
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(__file__, "model.json")
    said = _refused("train", "--artifact", str(tmp_path / "model.tar.gz"), "--from", EARLY)
    assert "run 'make up'" in said


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_where_no_platform_runs_the_command_says_what_to_do(command):
    assert "run 'make up'" in _refused(*command)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_where_nobody_answers_the_command_says_so_without_a_traceback(command, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    assert "Could not connect" in _refused(*command, "--region", "us-east-1")


def test_the_versions_figures_are_folded_and_not_cut():
    version = {"version": "v" * 40, "status": "in service", "log_loss": "0.56234132519034"}
    screen = Console(record=True, width=60)
    screen.print(table([version | {"auc": "0.7" + "1" * 14, "reason": "r" * 90}]))
    text = screen.export_text()
    assert (text.count("v") - text.count("ver") - text.count("serv"), text.count("…")) == (40, 0)
