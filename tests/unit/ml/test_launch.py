"""For people: a model on this machine answers, and without the SDK it says what to install."""

import json
import tarfile

import pytest
import xgboost as xgb

from glue import PlatformError
from ml import launch
from tests.unit.ml.auctions import request


@pytest.fixture(scope="module")
def archive(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("launch")
    trained[0].save(folder / "files")
    with tarfile.open(folder / "model.tar.gz", "w:gz") as tar:
        tar.add(folder / "files", arcname=".")
    return folder / "model.tar.gz"


def test_an_archive_answers_from_the_terminal(archive, history, capsys):
    assert launch.main(["open", str(archive), json.dumps(request(history[0]))]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["model_version"] == "v1"
    assert len(answer["predictions"]) == 1


@pytest.mark.parametrize(
    ("content", "requested", "problem"),
    [
        (b"oops", "{}", "not a model archive"),
        (None, "{}", "instance 0: winPrice is missing"),
        (None, "{", "Expecting"),
        (None, '{"winPrice":1,"winPrice":2}', "key 'winPrice' is repeated; send it once"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_line(
    archive, tmp_path, capsys, content, requested, problem
):
    if content:
        archive = tmp_path / "model.tar.gz"
        archive.write_bytes(content)
    assert launch.main(["open", str(archive), requested]) == 2
    assert problem in capsys.readouterr().err


def test_without_the_sdk_it_says_which_environment_to_make(capsys):
    for arguments in (["ask", "sdp-adtech", "{}"], ["train", "--data", "s3://a/b", "--role", "r"]):
        assert launch.main(arguments) == 2
        assert "requirements/notebook.txt" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1795251600", "2026-11-21T10:00:00+05:60", "2026-11-21"])
@pytest.mark.parametrize("option", ["--from", "--to"])
def test_a_time_that_the_job_would_read_otherwise_is_refused(capsys, option, text):
    with pytest.raises(SystemExit):
        launch.main(["train", "--data", "s3://a/b", "--role", "r", option, text])
    assert f"argument {option}: {text!r}: the time is not RFC 3339" in capsys.readouterr().err


def test_the_container_has_the_xgboost_that_is_tested_here():
    """Its tag is the library's major and minor number, then a number of its own."""
    assert launch.IMAGE.partition("-")[0] == ".".join(xgb.__version__.split(".")[:2])


def test_the_error_is_one_of_the_platform():
    with pytest.raises(PlatformError, match="SageMaker Python SDK"):
        launch.ask("sdp-adtech", [])
