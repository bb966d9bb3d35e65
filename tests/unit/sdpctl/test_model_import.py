"""Import of a PMML file: what is wrong is reported before anything starts."""

import tarfile
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import usecases
from ml.artifact import Trained, unpack
from ml.evaluate import evaluate
from ml.gate import Thresholds
from ml.pmml import LARGEST
from ml.rows import Range
from sdpctl import retraining
from sdpctl.commands.model import model
from sdpctl.errors import CommandError
from tests.unit.ml import pmml_files

app = typer.Typer()
app.add_typer(model, name="model")
PAST = "2026-11-20T00:00:00Z"
REGRESSION = pmml_files.regression(0.1, {"winPrice": 0.5}, {"domain": {"a": 1.0}})


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("SDP_HOME", str(tmp_path / "home"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.pmml"
    path.write_bytes(REGRESSION)
    return path


def _run(file, *more, through=PAST):
    return CliRunner().invoke(app, ["model", "import", str(file), "--through", through, *more])


def _refused(file, **given):
    result = _run(file, **given)
    assert isinstance(result.exception, CommandError), result.output
    return str(result.exception)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is refused: the file is not XML: no element found"),
        (REGRESSION[:300], "is refused: the file is not XML: unclosed token: line 5"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><PMML>&b;</PMML>', "has a document type"),
        (REGRESSION.replace(b"PMML", b"HTML"), "the file begins with"),
        (b" " * (LARGEST + 1), "more than 16,777,216 bytes"),
    ],
)
def test_a_file_that_is_no_such_model_is_refused_with_its_name_and_the_reason(
    file, content, reason
):
    file.write_bytes(content)
    said = _refused(file)
    assert said.startswith(f"{file} is refused: ") and reason in said


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    assert (
        _refused(tmp_path / "none.pmml") == f"{tmp_path / 'none.pmml'}: No such file or directory"
    )
    assert _refused(tmp_path) == f"{tmp_path}: Is a directory"
    assert _refused(Path("/dev/zero")).startswith("/dev/zero is refused: the file has more than")


@pytest.mark.parametrize(
    ("through", "reason"),
    [
        ("yesterday", "--through 'yesterday': the time is not RFC 3339"),
        ("9999-01-01T00:00:00Z", "--through 9999-01-01T00:00:00Z: must be before now"),
    ],
)
def test_the_time_of_the_newest_row_is_one_that_is_past(file, through, reason):
    assert _refused(file, through=through).startswith(reason)


def test_where_no_platform_runs_the_command_says_what_to_do(file):
    assert "run 'make up'" in _refused(file)


class _Place:
    """Of a platform, what the command needs: it keeps what is uploaded and started."""

    use_case = "adtech"

    def __init__(self, folder):
        self.folder, self.started = folder, []

    def upload(self, path, now):
        with tarfile.open(path) as tar:
            self.names = set(tar.getnames())
        unpack(path, self.folder)
        return "given/model.tar.gz"

    def start(self, now, run_input):
        self.started.append((retraining.run_name(now), run_input))
        return "arn:run:manual-1"


@pytest.fixture
def place(monkeypatch, tmp_path):
    made = _Place(tmp_path / "uploaded")
    monkeypatch.setattr(retraining, "place", lambda use_case, region: made)
    return made


def test_a_model_is_uploaded_and_evaluated_as_one_that_was_given(file, place):
    result = _run(file, "--from", PAST)
    assert result.exit_code == 0, result.exception
    ((name, run_input),) = place.started
    assert run_input == {"hyperparameters": {}, "artifact": "given/model.tar.gz", "from": PAST}
    assert {"./model.onnx", "./code/inference.py"} <= place.names
    trained = Trained.load(place.folder)
    assert trained.version == name  # what the run expects of its endpoint
    definition = usecases.load().use_case("adtech").model.definition
    assert (trained.definition.label, trained.definition.numbers) == ("won", ("bid_price",))
    assert trained.definition.segment == definition.segment
    assert trained.metadata["fitted_through"].startswith("2026-11-20T00:00:00")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"winPrice", b"price", "the field price is not known when a prediction is made; known: ["),
        (b"RegressionModel", b"NeuralNetwork", "PMML: the element NeuralNetwork is not evaluated"),
    ],
)
def test_one_that_cannot_be_exact_is_reported_and_a_version_that_the_gate_refuses(
    file, place, tmp_path, old, new, reason
):
    content = REGRESSION.replace(old, new)
    file.write_bytes(content)
    result = _run(file)
    ((name, run_input),) = place.started
    assert isinstance(result.exception, CommandError)
    assert str(result.exception) == (
        f"{file} is refused, as version {name} with its reason: ./sdp model show {name}"
    )
    said = result.stderr
    assert said.startswith(f"{file} is refused: {reason}") and "started" in said
    assert run_input == {"hyperparameters": {}, "artifact": "given/model.tar.gz"}
    assert (place.folder / "model.pmml").read_bytes() == content
    evaluation = evaluate(place.folder, None, tmp_path, Range.parse("", ""), Thresholds())
    assert evaluation["decision"] == "refuse"
    (why,) = evaluation["reasons"]
    assert why.startswith(f"the PMML file cannot be evaluated exactly: {reason}")
    assert " ".join(why.partition(": ")[2].split()) in said
