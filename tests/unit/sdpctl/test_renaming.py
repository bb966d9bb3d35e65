"""An archive that was given is released under the version of its run, and scores as before."""

import tarfile

import numpy as np
import onnx
import pytest

import usecases
from ml.artifact import ARCHIVE, Trained, unpack
from ml.pmml import importing
from ml.streaming import Graph
from sdpctl.renaming import renamed
from tests.unit.ml import pmml_files

ADTECH = usecases.load().use_case("adtech")
CONTENT = pmml_files.regression(0.1, {"winPrice": 0.0005}, {"domain": {"a.example": 1.0}})
PRICES, DOMAINS = [1, 900, 2_400, 70_000], ["a.example", "b.example", None, "a.example"]


@pytest.fixture
def given(tmp_path):
    """The archive of a model, with code beside it."""
    (tmp_path / "given").mkdir()
    return importing.archive(CONTENT, ADTECH, 1_000, "v1", tmp_path / "given")


def test_every_file_of_the_model_has_the_version_and_the_scores_stay(given, tmp_path):
    before = unpack(given, tmp_path / "before")
    after = unpack(renamed(given, "manual-7", tmp_path), tmp_path / "after")
    first, model = Trained.load(before), Trained.load(after)
    assert (first.version, model.version) == ("v1", "manual-7")
    assert model.metadata == {**first.metadata, "model_version": "manual-7"}
    properties = onnx.load_model_from_string(model.graph).metadata_props
    assert {p.key: p.value for p in properties} == {
        "model_version": "manual-7",
        "definition": model.definition.name,
    }
    requests = [
        {"campaignItemId": "7", "domain": domain, "winPrice": price}
        for price, domain in zip(PRICES, DOMAINS, strict=True)
    ]
    predictions = model.predict(requests)
    assert predictions == first.predict(requests)
    columns = {n: [None] * len(PRICES) for n in model.definition.columns}
    columns |= {"campaign_item_id": ["7"] * 4, "domain": DOMAINS, "bid_price": PRICES}
    scored = Graph(model.graph, model.definition).scores(columns)
    assert np.abs(np.array(scored) - [p["score"] for p in predictions]).max() <= 1e-6
    same = {path.relative_to(before) for path in before.rglob("*") if path.is_file()}
    assert same == {path.relative_to(after) for path in after.rglob("*") if path.is_file()}
    assert len({p for p in same if (before / p).read_bytes() != (after / p).read_bytes()}) == 3


def test_what_cannot_be_read_stays_as_it_is(given, tmp_path):
    given.write_bytes(given.read_bytes()[:2_000])
    assert renamed(given, "manual-7", tmp_path) == given


@pytest.mark.parametrize("name", ["fallback.json", "metadata.json", "model.onnx"])
@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff\xfe{"])
def test_a_file_that_is_not_the_models_stays_for_the_gate_to_refuse(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    path = tmp_path / "given.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tmp_path / name, arcname=name)
    made = renamed(path, "manual-7", tmp_path)
    assert made == tmp_path / ARCHIVE
    folder = unpack(made, tmp_path / "made")
    assert [p.read_bytes() for p in folder.iterdir()] == [content]
