"""Figures of probabilities, beside a library's."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from ml.figures import auc, figures


@pytest.fixture
def made():
    random = np.random.default_rng(7)
    scores = np.round(random.random(5_000), 2)  # with ties
    return scores, random.random(5_000) < scores


def test_they_are_those_of_the_library(made):
    found = figures(*made)
    scores, labels = made
    assert found.log_loss == pytest.approx(log_loss(labels, np.clip(scores, 1e-15, 1)), rel=1e-6)
    assert found.brier == pytest.approx(brier_score_loss(labels, scores))
    assert found.auc == pytest.approx(roc_auc_score(labels, scores))


def test_true_probabilities_have_a_small_calibration_error_and_shifted_ones_do_not(made):
    scores, labels = made
    assert figures(scores, labels).calibration_error < 0.02
    assert figures(np.clip(scores + 0.1, 0, 1), labels).calibration_error > 0.08


def test_luck_is_what_true_probabilities_err_by():
    random = np.random.default_rng(5)
    scores = random.random(2_000)
    made = [figures(scores, random.random(2_000) < scores) for _ in range(50)]
    assert np.mean([f.calibration_error for f in made]) == pytest.approx(
        made[0].calibration_luck, rel=0.1
    )


def test_tenths_are_of_equal_size_and_lift_is_beside_the_share_of_all(made):
    tenths = figures(*made).tenths
    assert [t.rows for t in tenths] == [500] * 10
    assert tenths[0].lift < 0.3
    assert tenths[-1].lift > 1.7


def test_with_one_label_there_is_no_order():
    assert auc(np.array([0.2, 0.7]), np.array([True, True])) == 0.5


def test_certainty_that_was_wrong_costs_much_but_not_everything():
    found = figures(np.array([0.0, 1.0]), np.array([True, False]))
    assert 30 < found.log_loss < 40
