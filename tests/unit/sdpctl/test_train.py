"""Training and the models' commands: refusals before anything starts, and where nobody answers."""

import gzip
import io
import tarfile

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from sdpctl.commands.model import model, summary, table
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
    assert "not a tar compressed with gzip" in _refused("train", "--artifact", str(named))
    named.write_bytes(b"")
    assert "not a tar compressed with gzip" in _refused("train", "--artifact", str(named))
    assert "file does not exist" in _refused("train", "--artifact", str(tmp_path / "no.tar.gz"))


def test_an_artifact_that_is_damaged_is_refused_before_anything_starts(tmp_path):
    path = tmp_path / "model.tar.gz"
    with gzip.open(path, "wb", 0) as plain, tarfile.open(fileobj=plain, mode="w") as archive:
        archive.add(__file__, "model.json")
    data = bytearray(path.read_bytes())
    data[data.index(b"damaged")] ^= 1
    path.write_bytes(data)
    assert "not a tar compressed with gzip: CRC check" in _refused("train", "--artifact", str(path))


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
    assert "cannot connect" in _refused(*command, "--region", "us-east-1")


def test_the_versions_figures_are_folded_and_not_cut():
    version = {"version": "v" * 40, "status": "in service", "log_loss": "0.56234132519034"}
    text = _printed(table([version | {"auc": "0.7" + "1" * 14, "reason": "r" * 90}]), 60)
    assert (text.count("v") - text.count("ver") - text.count("serv"), text.count("…")) == (40, 0)


def _printed(part, width=100):
    screen = Console(record=True, width=width, file=io.StringIO())
    screen.print(part)
    return screen.export_text()


def test_the_list_has_both_models_on_the_same_rows():
    figures = {"rows": "6076", "log_loss": "0.41", "champion_log_loss": "0.40"}
    figures |= {"auc": "0.81", "champion_auc": "0.82"}
    head, line = _printed(table([{"version": "v2", "status": "refused", **figures}])).splitlines()
    assert "log loss  champion's  AUC   champion's" in head
    assert line.split() == ["v2", "refused", "6076", "0.41", "0.40", "0.81", "0.82"]


def test_a_version_is_summed_up_with_all_models_on_the_same_rows_and_its_worst_segments():
    figures = {"log_loss": 0.41, "auc": 0.8, "calibration_error": 0.01, "brier": 0.1}
    segment = {"rows": 1_000, "challenger": 0.5, "reference": 0.4, "gain": -0.1}
    evaluation = {
        "decision": "refuse",
        "reasons": ["segment 7: log loss 0.5 beside the champion's 0.4 on 1,000 rows"],
        "rows": 6_076,
        "from": "2026-11-21T00:00:00Z",
        "through": "2026-11-21T05:00:00Z",
        **dict.fromkeys(("challenger", "champion", "baseline", "base_rate"), figures),
        "segment": "campaign_item_id",
        "segments": [{**segment, "segment": str(n), "gain": n / 100 - 0.1} for n in range(9)],
    }
    text = "".join(_printed(part) for part in summary("v2", evaluation))
    assert text.startswith("v2: refuse\n- segment 7: log loss 0.5 beside")
    assert "6,076 rows that neither model has seen" in text
    assert "this version  the champion then  its own baseline  the base rate" in text
    assert text.count("0.4100") == 4
    assert [line.split()[0] for line in text.splitlines()[-5:]] == ["0", "1", "2", "3", "4"]


def test_a_version_that_was_refused_unread_is_summed_up_too():
    evaluation = {"decision": "refuse", "reasons": ["corrupt"], "rows": 0, "segments": []}
    assert list(summary("v2", evaluation)) == ["v2: refuse", "- corrupt"]
