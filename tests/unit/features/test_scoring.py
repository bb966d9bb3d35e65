"""The score that needs no library: by hand, through JSON, and at the far ends."""

import json
import math

import pytest

from features.encoding import Encoder, Historian
from features.scoring import Calibration, Fallback, Logistic, sigmoid
from tests.unit.features.test_encoding import DEFINITION, ROWS


def _fallback():
    historian = Historian(DEFINITION)
    historian.add(ROWS)
    encoder = Encoder(DEFINITION, historian.history())
    north = encoder.encode({"gate": ["north"], "team": ["red"], "grams": [10]})[0][0]
    logistic = Logistic(-1.0, ({north: 0.5}, {}, 0.0, 2.0, 0.25))
    return Fallback("v1", encoder, logistic, Calibration(slope=2.0, intercept=0.125))


def test_the_score_is_that_of_the_formula():
    (found,) = _fallback().predict([{"gateName": "north", "team": "red", "grams": 10}])
    typical = (math.log1p(10) + math.log1p(20)) / 2
    margin = -1 + 0.5 + 2 * math.log1p(10) + 0.25 * (math.log1p(10) - typical)
    assert found["score"] == pytest.approx(1 / (1 + math.exp(-(2 * margin + 0.125))), abs=1e-12)
    assert found["predicted_label"] == 1.0
    assert found["unseen"] == []


def test_the_unseen_get_a_score_and_are_named():
    (found,) = _fallback().predict([{"gateName": "moon", "team": "green", "grams": 0}])
    assert 0 < found["score"] < 0.5
    assert found["predicted_label"] == 0.0
    assert found["unseen"] == ["gateName", "team"]


def test_the_file_gives_the_same_scores():
    read = Fallback.from_json(json.loads(json.dumps(_fallback().to_json())))
    instances = [{"gateName": g, "grams": n} for g in ("north", "moon") for n in (0, 3, 10**18)]
    assert read.predict(instances) == _fallback().predict(instances)
    assert read.version == "v1"


def test_no_instances_have_no_predictions():
    assert _fallback().predict([]) == []


@pytest.mark.parametrize("margin", [-1e308, -800.0, 0.0, 800.0, 1e308])
def test_any_margin_has_a_probability(margin):
    assert 0 <= sigmoid(margin) <= 1
    assert sigmoid(margin) == pytest.approx(1 - sigmoid(-margin))
