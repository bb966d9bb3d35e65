"""The decision, from figures alone."""

from dataclasses import replace

import pytest

from ml.figures import Figures
from ml.gate import Comparison, Evidence, Thresholds, decide

THRESHOLDS = Thresholds()
FIGURES = Figures(
    rows=10_000,
    share=0.4,
    log_loss=0.50,
    brier=0.2,
    auc=0.8,
    calibration_error=0.01,
    calibration_luck=0.01,
    tenths=(),
)


def _evidence(
    *, new=0.50, old=0.55, error=0.001, champion=True, segments=(), difference=0.0, **changes
):
    challenger = replace(FIGURES, log_loss=new, **changes)
    return Evidence(
        challenger=challenger,
        champion=replace(FIGURES, log_loss=old) if champion else None,
        baseline=replace(FIGURES, log_loss=new),
        overall=Comparison(10_000, new, old, error),
        segments=tuple(segments),
        difference=difference,
    )


def _reasons(evidence, thresholds=THRESHOLDS):
    decision = decide(evidence, thresholds)
    assert not decision.promote
    assert decision.word == "refuse"
    return " / ".join(decision.reasons)


def test_a_better_challenger_takes_the_champions_place():
    decision = decide(_evidence(), THRESHOLDS)
    assert decision.promote
    assert decision.reasons == ("log loss 9.09% better than the champion on 10,000 rows",)


def test_as_good_as_the_champion_is_not_enough():
    assert "not 0.2% better than the champion's" in _reasons(_evidence(new=0.55))


def test_an_improvement_that_may_be_luck_is_not_enough():
    assert "may be luck" in _reasons(_evidence(new=0.545, error=0.004))


def test_the_first_model_has_to_beat_the_base_rate():
    assert decide(_evidence(new=0.5, old=0.67, champion=False), THRESHOLDS).promote
    reason = _reasons(_evidence(new=0.668, old=0.67, champion=False))
    assert "not 1.0% better than the base rate's" in reason


def test_too_few_rows_decide_nothing():
    evidence = _evidence()
    few = replace(evidence, overall=replace(evidence.overall, rows=999))
    assert "999 rows" in _reasons(few)


def test_a_large_segment_may_not_get_worse_and_a_small_one_does_not_count():
    worse = Comparison(800, 0.60, 0.55, 0.005)
    assert "segment 17" in _reasons(_evidence(segments=[("17", worse)]))
    small = replace(worse, rows=499)
    assert decide(_evidence(segments=[("17", small)]), THRESHOLDS).promote


def test_a_segment_that_seems_worse_by_luck_does_not_count():
    unlucky = Comparison(800, 0.60, 0.55, 0.05)
    assert decide(_evidence(segments=[("17", unlucky)]), THRESHOLDS).promote


def test_a_score_that_does_not_mean_what_it_says_is_refused():
    reason = _reasons(_evidence(calibration_error=0.06))
    assert "calibration error 0.0600 is above 0.0400" in reason


def test_with_few_rows_a_calibration_error_is_luck():
    evidence = _evidence(calibration_error=0.06, calibration_luck=0.04)
    assert decide(evidence, THRESHOLDS).promote


def test_a_worse_order_is_refused():
    assert "AUC 0.7000 is lower" in _reasons(_evidence(auc=0.7))


def test_trees_worse_than_their_own_baseline_are_refused():
    evidence = replace(_evidence(), baseline=replace(FIGURES, log_loss=0.4))
    assert "its own baseline's" in _reasons(evidence)


def test_every_objection_is_named():
    segment = ("17", Comparison(800, 0.70, 0.55, 0.005))
    found = _evidence(new=0.6, auc=0.6, calibration_error=0.2, segments=[segment])
    assert len(decide(found, THRESHOLDS).reasons) == 4


@pytest.mark.parametrize(("margin", "promoted"), [(0.05, True), (0.1, False)])
def test_thresholds_are_a_choice(margin, promoted):
    assert decide(_evidence(), Thresholds(margin=margin)).promote is promoted
