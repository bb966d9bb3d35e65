"""The gate on real models: what is worse stays out, what is better comes in, nothing is lost."""

import json
import re
import tarfile

import numpy as np
import pytest

from ml import evaluate as job
from ml.artifact import TREES, unpack
from ml.evaluate import evaluate, held_out, load, write
from ml.gate import Thresholds
from ml.rows import Range, read
from ml.train import Settings, train
from ml.trees import Growth
from tests.unit.ml.auctions import after, auctions
from tests.unit.ml.auctions import write as lake_of

ALL = Range.parse("", "")
GROWTH = Growth(rounds=20, patience=5)
THRESHOLDS = Thresholds()


def _archive(folder, model):
    """The model as SageMaker keeps it."""
    model.save(folder / "files")
    with tarfile.open(folder / "model.tar.gz", "w:gz") as tar:
        tar.add(folder / "files", arcname=".")
    return folder


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """Auctions as they were."""
    return auctions(20_000)


@pytest.fixture(scope="module")
def lakes(tmp_path_factory, old):
    """Before a change of behaviour, and with what came after it."""
    new = auctions(12_000, drift=1.0, start=after(old))
    folder = tmp_path_factory.mktemp("lakes")
    return {
        "before": lake_of(old, folder / "before"),
        "after": lake_of(old + new, folder / "after"),
    }


@pytest.fixture(scope="module")
def models(tmp_path_factory, lakes, definition):
    """Folders with a model.tar.gz: the champion, one after the change, one of shuffled labels."""
    made = {
        "champion": ("before", Settings(ALL, "champion", growth=GROWTH)),
        "changed": ("after", Settings(ALL, "changed", growth=GROWTH)),
        "shuffled": ("before", Settings(ALL, "shuffled", shuffle_labels=True, growth=GROWTH)),
    }
    found = {}
    for name, (lake, settings) in made.items():
        rows = read(lakes[lake], definition, ALL).rows
        model, _ = train(rows, definition, settings)
        found[name] = _archive(tmp_path_factory.mktemp(name), model)
    return found


def test_the_first_model_is_promoted_when_it_beats_the_base_rate(models, lakes):
    found = evaluate(models["champion"], None, lakes["before"], ALL, THRESHOLDS)
    assert found["decision"] == "promote"
    assert found["champion"] is None
    assert found["challenger"]["log_loss"] < found["base_rate"]["log_loss"]
    assert found["rows"] == 4_000


@pytest.mark.parametrize("champion", ["champion", None])
def test_a_challenger_of_shuffled_labels_is_refused(models, lakes, champion):
    against = models[champion] if champion else None
    found = evaluate(models["shuffled"], against, lakes["before"], ALL, THRESHOLDS)
    assert found["decision"] == "refuse"
    assert "better than" in found["reasons"][0]


def test_after_a_change_of_behaviour_the_challenger_wins(models, lakes):
    found = evaluate(models["changed"], models["champion"], lakes["after"], ALL, THRESHOLDS)
    assert found["decision"] == "promote"
    assert found["challenger"]["log_loss"] < 0.8 * found["champion"]["log_loss"]
    assert found["challenger"]["model_version"] == "changed"
    assert len(found["segments"]) == 20


def test_before_the_change_the_same_challenger_would_have_lost(models, lakes, definition):
    new, old = load(models["changed"]), load(models["champion"])
    rows = read(lakes["before"], definition, ALL).rows
    assert job.report(new, old, rows, THRESHOLDS)["decision"] == "refuse"


def test_the_champion_does_not_make_way_for_itself(models, lakes):
    found = evaluate(models["champion"], models["champion"], lakes["before"], ALL, THRESHOLDS)
    assert found["decision"] == "refuse"
    assert found["overall"]["gain"] == 0


def test_both_are_judged_by_the_same_rows_that_neither_has_seen(models, lakes):
    new, old = load(models["changed"]), load(models["champion"])
    for first, second in ((new, old), (old, new)):
        rows = held_out(lakes["after"], first, second, ALL)
        assert rows.time[0] > max(new.fitted_through, old.fitted_through)


def test_without_newer_rows_nothing_is_decided(models, lakes):
    found = evaluate(models["changed"], models["champion"], lakes["before"], ALL, THRESHOLDS)
    assert found["decision"] == "refuse"
    assert found["reasons"] == ["no rows that neither model has seen"]


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "absent", "other", "outside"])
def test_a_corrupt_archive_is_refused_and_says_why(models, lakes, tmp_path, damage):
    whole = (models["changed"] / "model.tar.gz").read_bytes()
    path = tmp_path / "model.tar.gz"
    if damage in ("other", "outside"):
        (tmp_path / "note").write_text("nothing")
        with tarfile.open(path, "w:gz") as tar:
            tar.add(tmp_path / "note", arcname="note" if damage == "other" else "../note")
    elif damage != "absent":
        path.write_bytes({"cut": whole[: len(whole) // 2], "text": b"oops", "empty": b""}[damage])
    found = evaluate(tmp_path, models["champion"], lakes["after"], ALL, THRESHOLDS)
    assert found["decision"] == "refuse"
    assert found["reasons"][0].startswith("the challenger cannot be used: ")
    assert found["challenger"] is None
    write(found, tmp_path / "out")


def test_bits_that_were_turned_over_are_refused_or_harmless(models, lakes, tmp_path):
    whole = bytearray((models["changed"] / "model.tar.gz").read_bytes())
    random = np.random.default_rng(3)
    for attempt in range(20):
        damaged = bytearray(whole)
        for place in random.integers(20, len(whole), 3):
            damaged[place] ^= 0xFF
        folder = tmp_path / str(attempt)
        folder.mkdir()
        (folder / "model.tar.gz").write_bytes(damaged)
        found = evaluate(folder, models["champion"], lakes["before"], ALL, THRESHOLDS)
        assert found["decision"] == "refuse"


def _channels(monkeypatch, challenger, champion, test, report):
    """The environment of the job, as SageMaker makes it."""
    monkeypatch.setenv("SM_CHANNEL_CHALLENGER", str(challenger))
    monkeypatch.setenv("SM_CHANNEL_CHAMPION", str(champion))
    monkeypatch.setenv("SM_CHANNEL_TEST", str(test))
    monkeypatch.setenv("SM_MODEL_DIR", str(report))


def test_trees_that_crash_the_library_are_refused_and_the_job_succeeds(
    models, lakes, tmp_path, monkeypatch
):
    """The archive is whole: somebody packed a damaged file."""
    files = unpack(models["changed"] / "model.tar.gz", tmp_path / "files")
    trees = bytearray((files / TREES).read_bytes())
    # The number of nodes of the first tree, of which the library takes what comes behind.
    nodes = trees.index(b"base_weights[$d#L") + len(b"base_weights[$d#L")
    trees[nodes : nodes + 8] = (1 << 26).to_bytes(8, "big")
    (files / TREES).write_bytes(trees)
    _channels(monkeypatch, files, models["champion"], lakes["after"], tmp_path / "report")
    assert job.main([]) == 0
    report = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert report["decision"] == "refuse"
    assert report["reasons"] == [
        "the evaluation crashed (SIGSEGV): a file of the challenger or the champion is damaged"
    ]


def test_a_champion_that_cannot_be_read_stays(models, lakes, tmp_path):
    (tmp_path / "model.tar.gz").write_bytes(b"oops")
    found = evaluate(models["changed"], tmp_path, lakes["after"], ALL, THRESHOLDS)
    assert found["decision"] == "refuse"
    assert "the champion cannot be read" in found["reasons"][0]


def test_a_file_that_points_outside_is_not_written(tmp_path):
    (tmp_path / "note").write_text("nothing")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "note", arcname="../../escaped")
    with pytest.raises(Exception, match="points outside"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "a" / "b")
    assert not (tmp_path / "escaped").exists()


def test_the_job_writes_the_report_and_a_page_that_needs_nothing_else(
    models, lakes, tmp_path, monkeypatch
):
    _channels(monkeypatch, models["changed"], models["champion"], lakes["after"], tmp_path)
    assert job.main(["--margin", "0.01", "--unknown", "x"]) == 0
    report = json.loads((tmp_path / "evaluation.json").read_text())
    assert report["decision"] == "promote"
    assert report["thresholds"]["margin"] == 0.01
    html = (tmp_path / "evaluation.html").read_text()
    assert html.count("data:image/svg+xml;base64,") == 4
    assert not re.search(r"(src|href)=[\"'](?!data:)", html)
    for word in ("Calibration", "Lift", "Scores", "Log loss by segment", "1463500", "promote"):
        assert word in html
    for name in report["thresholds"]:
        assert f"<td>{name.replace('_', '-')}</td>" in html
    first = (tmp_path / "evaluation.json").read_bytes(), html
    job.main(["--margin", "0.01"])
    assert ((tmp_path / "evaluation.json").read_bytes(), html) == first
