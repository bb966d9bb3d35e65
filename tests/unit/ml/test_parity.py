"""The same rows through training, endpoint and fallback: equal features, equal scores."""

import json
import math

import numpy as np
import pytest

from features.encoding import request_columns
from features.scoring import Fallback
from ml import inference
from ml.artifact import FALLBACK
from ml.train import score
from tests.unit.ml.auctions import request

CLOSE = 1e-9


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    found = tmp_path_factory.mktemp("model")
    trained[0].save(found)
    return found


@pytest.fixture(scope="module")
def rows(history, trained):
    """The test rows, and a few that training has not seen the like of."""
    found = history[-len(trained[1].test) :][:2_000]
    odd = [{"domain": "new.example"}, {"campaign_item_id": 1}, {"bid_price": 10**9}]
    return [*found, *(found[0] | change for change in odd), found[0] | {"creative_id": None}]


def _answer(folder, rows):
    """As the endpoint's container calls it."""
    model = inference.model_fn(str(folder))
    body = json.dumps({"instances": [request(r) for r in rows]})
    instances = inference.input_fn(body, "application/json")
    text, kind = inference.output_fn(inference.predict_fn(instances, model), "application/json")
    assert kind == "application/json"
    return model, json.loads(text)


def _fallback(folder):
    """As the function reads it: one JSON file, no library."""
    return Fallback.from_json(json.loads((folder / FALLBACK).read_text()))


def test_features_are_equal_in_training_endpoint_and_fallback(trained, folder, history):
    model, slices = trained
    part = slices.test[:2_000]
    (columns,) = part.chunks()
    training = model.fallback.encoder.encode(columns)
    requested = [request(r) for r in history[-len(slices.test) :][:2_000]]
    for encoder in (
        inference.model_fn(str(folder)).fallback.encoder,
        _fallback(folder).encoder,
    ):
        served = encoder.encode(request_columns(encoder.definition, requested))
        for ours, theirs in zip(training, served, strict=True):
            assert np.allclose(ours, theirs, rtol=0, atol=CLOSE, equal_nan=True)


def test_the_endpoint_scores_as_training_did(trained, folder, history):
    model, slices = trained
    expected, _ = score(model, slices.test[:2_000])
    _, answer = _answer(folder, history[-len(slices.test) :][:2_000])
    found = [p["score"] for p in answer["predictions"]]
    assert np.allclose(found, expected, rtol=0, atol=CLOSE)
    assert answer["model_version"] == "v1"


def test_the_fallback_scores_as_training_and_endpoint_do(trained, folder, rows):
    requested = [request(r) for r in rows]
    ours = [p["score"] for p in trained[0].fallback.predict(requested)]
    endpoint = [p["score"] for p in inference.model_fn(str(folder)).fallback.predict(requested)]
    function = [p["score"] for p in _fallback(folder).predict(requested)]
    assert np.allclose(ours, function, rtol=0, atol=CLOSE)
    assert np.allclose(endpoint, function, rtol=0, atol=CLOSE)


def test_the_fallback_is_the_regression_written_out(folder, rows):
    """The score by hand, from the file alone."""
    found = _fallback(folder)
    requested = [request(r) for r in rows[:200]]
    vectors = found.encoder.encode(request_columns(found.encoder.definition, requested))
    for index, prediction in enumerate(found.predict(requested)):
        margin = found.logistic.intercept
        for weight, values in zip(found.logistic.weights, vectors, strict=True):
            value = values[index]
            margin += weight.get(value, 0.0) if isinstance(weight, dict) else weight * value
        margin = found.calibration.slope * margin + found.calibration.intercept
        assert prediction["score"] == pytest.approx(1 / (1 + math.exp(-margin)), abs=CLOSE)


def test_endpoint_and_fallback_mark_the_same_fields_as_unseen(folder, rows):
    _, answer = _answer(folder, rows)
    marked = [p["unseen"] for p in answer["predictions"]]
    assert marked == [p["unseen"] for p in _fallback(folder).predict([request(r) for r in rows])]
    assert marked[-4:] == [["domain"], ["campaignItemId"], [], []]


def test_one_by_one_is_the_same_as_all_together(folder, rows):
    model, answer = _answer(folder, rows[:50])
    alone = [inference.predict_fn([request(r)], model)["predictions"][0] for r in rows[:50]]
    assert alone == answer["predictions"]
