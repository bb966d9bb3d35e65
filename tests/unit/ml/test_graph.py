"""A model's ONNX graph scores as the model itself, and the gate refuses one that does not."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

import usecases
from ml import package
from ml.artifact import FALLBACK, GRAPH
from ml.evaluate import evaluate
from ml.gate import Thresholds
from ml.graph import graph
from ml.rows import Range, read
from ml.streaming import Graph, GraphError
from ml.train import Settings, train
from ml.trees import Growth
from tests.unit.ml import for_java
from tests.unit.ml.auctions import auctions
from tests.unit.ml.auctions import write as lake_of

ALL = Range.parse("", "")
TOLERANCE = Thresholds().difference


@pytest.fixture(scope="module")
def odd(definition):
    """A model whose trees split by categories and numbers, and its rows."""
    rows = for_java.made_up(definition, np.random.default_rng(1))
    settings = Settings(ALL, version="v1", growth=Growth(rounds=12))
    return (*train(rows, definition, settings), rows)


def test_the_graph_scores_as_the_model_whatever_the_texts_and_numbers(odd, definition):
    model, slices, _ = odd
    assert model.metadata["rounds"] > 1, "there are trees to compare"
    scorer = Graph(graph(model).SerializeToString(), definition)
    columns = next(slices.test.chunks())
    hard = {name: for_java.hard(definition, name) for name in definition.columns}
    for each in (columns, hard):
        assert scorer.scores(each) == pytest.approx(model.scores(each), abs=TOLERANCE)


def test_a_row_without_a_number_or_with_a_negative_one_has_no_score(odd, definition):
    scorer = Graph(graph(odd[0]).SerializeToString(), definition)
    columns = {name: ["a"] * 3 for name in definition.categories} | {"bid_price": [np.nan, -1, 0]}
    assert np.isnan(scorer.scores(columns)).tolist() == [True, True, False]


def test_a_category_that_no_row_has_takes_no_part(odd, definition):
    rows = odd[2]
    absent = np.full(len(rows), -1, np.int32)
    rows = replace(
        rows,
        codes={**rows.codes, "creative_category": absent},
        values={**rows.values, "creative_category": []},
    )
    model, slices = train(rows, definition, Settings(ALL, growth=Growth(rounds=3)))
    scorer = Graph(graph(model).SerializeToString(), definition)
    columns = next(slices.test.chunks())
    assert scorer.scores(columns) == pytest.approx(model.scores(columns), abs=TOLERANCE)


def test_what_is_no_graph_is_an_error_of_the_job(definition):
    with pytest.raises(GraphError):
        Graph(b"no graph", definition)


@pytest.fixture(scope="module")
def promoted(tmp_path_factory, definition):
    """A lake, and the folder of a model that the gate promotes."""
    lake = lake_of(auctions(10_000), tmp_path_factory.mktemp("lake"))
    rows = job_rows(lake, definition)
    model, _ = train(rows, definition, Settings(ALL, version="v1", growth=Growth(rounds=5)))
    folder = tmp_path_factory.mktemp("model")
    model.save(folder)
    found = evaluate(folder, None, lake, ALL, Thresholds())
    assert found["decision"] == "promote"
    assert found["graph"]["largest_difference"] <= TOLERANCE
    return lake, folder


def job_rows(lake, definition):
    """All rows of a lake."""
    return read(lake, definition, ALL).rows


def _refusal(promoted, tmp_path, content):
    """Why the gate refuses the model with another graph."""
    lake, folder = promoted
    for path in folder.iterdir():
        if path.name != GRAPH:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    if content is not None:
        (tmp_path / GRAPH).write_bytes(content)
    found = evaluate(tmp_path, None, lake, ALL, Thresholds())
    assert found["decision"] == "refuse"
    return " ".join(found["reasons"])


def test_the_gate_refuses_a_model_without_a_graph(promoted, tmp_path):
    assert "has no model.onnx" in _refusal(promoted, tmp_path, None)


def test_the_gate_refuses_a_graph_that_cannot_be_evaluated(promoted, tmp_path):
    cut = (promoted[1] / GRAPH).read_bytes()[:5_000]
    assert "model.onnx of the challenger cannot be used" in _refusal(promoted, tmp_path, cut)


@pytest.mark.parametrize(("wrong", "reason"), [(0.001, "differs"), (np.nan, "by nan")])
def test_the_gate_refuses_a_graph_with_other_scores(promoted, tmp_path, wrong, reason):
    proto = onnx.load_from_string((promoted[1] / GRAPH).read_bytes())
    fallback = json.loads((promoted[1] / FALLBACK).read_text())
    intercept = fallback["logistic"]["intercept"]
    scalars = (t for t in proto.graph.initializer if not t.dims)
    table = next(t for t in scalars if numpy_helper.to_array(t) == intercept)
    table.CopyFrom(numpy_helper.from_array(np.array(intercept + wrong), table.name))
    assert reason in _refusal(promoted, tmp_path, proto.SerializeToString())


def test_the_endpoint_needs_neither_onnx_nor_onnxruntime(promoted, tmp_path):
    """The container installs them for jobs only: a model's code brings no requirements.txt."""
    code = package.tree(usecases.load().use_case("adtech"), tmp_path)
    assert (code / "requirements.txt").read_text().splitlines()[-2:] == [
        f"onnx=={onnx.__version__}",
        f"onnxruntime=={onnxruntime.__version__}",
    ]
    script = (
        "import sys; sys.modules['onnx'] = sys.modules['onnxruntime'] = None\n"
        "from inference import model_fn; print(model_fn(sys.argv[1]).version)"
    )
    folder = str(promoted[1])
    done = subprocess.run(
        [sys.executable, "-c", script, folder], cwd=code, capture_output=True, text=True, check=True
    )
    assert done.stdout == "v1\n"
