"""The regression and the calibration: what they find, and what they leave alone."""

import numpy as np
import pytest

from features.definition import Definition, Hashed, Input, Numeric
from features.scoring import Calibration
from ml import logistic

DEFINITION = Definition(
    name="stay",
    record="Visit",
    key="id",
    time="at",
    label="stayed",
    segment="gate",
    inputs=(Input("gate", "gate"), Input("grams", "grams")),
    features=(Hashed("gate"), Numeric("grams")),
    increasing=("grams",),
)


def _sigmoid(margin):
    return 1 / (1 + np.exp(-margin))


def _made(slope, rows=40_000):
    random = np.random.default_rng(2)
    gate = random.integers(0, 3, rows).astype(float)
    gate[:500] = np.nan
    grams = random.normal(50, 10, rows)
    effect = np.where(
        np.isnan(gate), 0, np.array([-1.0, 0.0, 1.0])[np.nan_to_num(gate).astype(int)]
    )
    return [gate, grams], random.random(rows) < _sigmoid(effect + slope * (grams - 50))


def test_it_finds_the_weights_the_labels_were_drawn_by():
    vectors, labels = _made(0.1)
    found = logistic.fit(DEFINITION, vectors, labels)
    gates, grams = found.weights
    assert gates[2.0] - gates[0.0] == pytest.approx(2.0, abs=0.1)
    assert grams == pytest.approx(0.1, abs=0.005)


def test_the_weight_of_an_increasing_column_is_never_below_nothing():
    found = logistic.fit(DEFINITION, *_made(-0.1))
    assert found.weights[1] == 0.0


def test_a_number_that_never_varies_is_no_trouble():
    (gate, _), labels = _made(0.0)
    found = logistic.fit(DEFINITION, [gate, np.full(len(gate), 7.0)], labels)
    assert np.isfinite(found.intercept)


def test_calibration_turns_boastful_scores_into_true_ones():
    random = np.random.default_rng(2)
    true = random.normal(0, 1, 20_000)
    found = logistic.calibrate(2 * true + 0.6, random.random(20_000) < _sigmoid(true))
    assert found.slope == pytest.approx(0.5, abs=0.05)
    assert found.intercept == pytest.approx(-0.3, abs=0.05)


def test_calibration_never_turns_the_order_round():
    random = np.random.default_rng(2)
    margins = random.normal(0, 1, 5_000)
    found = logistic.calibrate(margins, random.random(5_000) < _sigmoid(-margins))
    assert found.slope == logistic.MIN_SLOPE


def test_scores_that_are_true_stay_as_they_are():
    random = np.random.default_rng(4)
    margins = random.normal(0, 1, 2_000)
    assert logistic.calibrate(margins, random.random(2_000) < _sigmoid(margins)) == Calibration()
