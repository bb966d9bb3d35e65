"""Luck: rows of a segment depend on each other, small ones decide nothing, many mislead nobody."""

from dataclasses import replace

import numpy as np
import pytest

from ml.comparing import Losses
from ml.figures import Figures, losses
from ml.gate import Evidence, Thresholds, decide

NOTHING = Figures(
    rows=1, share=0.5, log_loss=0.0, brier=0.2, auc=0.8, calibration_error=0.0,
    calibration_luck=0.0, tenths=(),
)  # fmt: skip


def _evidence(both):
    """Of the comparison alone: every other figure is as it should be."""
    count = int(both.codes.max()) + 1
    return Evidence(
        challenger=NOTHING,
        champion=NOTHING,
        baseline=NOTHING,
        overall=both.overall(),
        segments=both.segments([str(n) for n in range(count)]),
        difference=0.0,
        rest=both.rest(),
    )


def _decision(both, thresholds=Thresholds()):  # noqa: B008 (frozen)
    return decide(_evidence(both), thresholds)


def _codes(*sizes):
    return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)


def test_six_tiny_segments_do_not_decide_against_all_others():
    """60 rows that the champion got wholly wrong, beside 6,016 on which it is better."""
    codes = _codes(*[376] * 16, *[10] * 6)
    rng = np.random.default_rng(1)
    champion = rng.uniform(0.2, 0.6, len(codes))
    challenger = champion + rng.normal(0.002, 0.02, len(codes))
    champion[-60:], challenger[-60:] = 3.2, 0.3
    both = Losses(challenger, champion, codes)
    evidence = _evidence(both)
    assert (evidence.rest.segments, evidence.rest.rows) == (6, 60)
    decision = decide(evidence, Thresholds())
    assert not decision.promote
    assert "6 small segments decide (60 rows): on the other 6,016 rows" in decision.reasons[-1]
    # The rows alone would have promoted it.
    rows_alone = replace(evidence.overall, error=both.overall().error / 10, clusters=0)
    assert decide(replace(evidence, overall=rows_alone, rest=None), Thresholds()).promote


def test_an_improvement_everywhere_is_promoted_whatever_the_sizes():
    codes = _codes(*[376] * 16, *[10] * 6)
    rng = np.random.default_rng(1)
    champion = rng.uniform(0.2, 0.6, len(codes))
    challenger = champion - rng.normal(0.02, 0.02, len(codes))
    assert _decision(Losses(challenger, champion, codes)).promote


def _campaigns_that_differ_by_luck(seed):
    """Each campaign's rows gain or lose together; over all campaigns nothing is gained."""
    rng = np.random.default_rng(seed)
    codes = _codes(*[300] * 20)
    champion = rng.uniform(0.3, 0.7, len(codes))
    common = rng.normal(0, 0.01, 20)[codes]
    return Losses(champion - common + rng.normal(0, 0.05, len(codes)), champion, codes)


def test_luck_of_whole_segments_promotes_no_more_often_than_stated():
    """Two standard errors are 2.3 %: at most 12 of 200 by chance (99.9 %); by rows it is 40."""
    found = [_campaigns_that_differ_by_luck(seed) for seed in range(200)]
    assert sum(_decision(both).promote for both in found) <= 12
    by_rows = [replace(_evidence(b), rest=None) for b in found]
    gains = [b.reference - b.challenger for b in found]
    alone = [
        replace(e, overall=replace(e.overall, error=g.std() / len(g) ** 0.5, clusters=0))
        for e, g in zip(by_rows, gains, strict=True)
    ]
    assert sum(decide(e, Thresholds()).promote for e in alone) > 30


def test_few_segments_need_more_standard_errors():
    rng = np.random.default_rng(1)
    for segments, errors in ((4, 2.0), (6, 2.65), (400, 2.01)):
        codes = _codes(*[50] * segments)
        some = rng.uniform(0.3, 0.7, len(codes))
        comparison = Losses(some, some + rng.normal(0, 0.1, len(codes)), codes).overall()
        assert comparison.errors(2.0) == pytest.approx(errors, abs=0.02)


def _equal_models(seed, worse=0.0):
    """200 segments of 500 rows, two models that are equally far from the truth in each."""
    rng = np.random.default_rng(seed)
    codes = _codes(*[500] * 200)
    odds = rng.normal(0, 1, len(codes))
    labels = rng.random(len(codes)) < 1 / (1 + np.exp(-odds))
    new, old = (1 / (1 + np.exp(-odds - rng.normal(0, 0.3, len(codes)))) for _ in range(2))
    challenger = losses(new, labels)
    challenger[codes == 7] += worse
    return Losses(challenger, losses(old, labels), codes)


def _refused_for_a_segment(both, thresholds):
    return any(reason.startswith("segment ") for reason in _decision(both, thresholds).reasons)


@pytest.mark.parametrize(("luck", "most"), [(0.01, 4), (0.2, 30)])
def test_many_equal_segments_are_refused_no_more_often_than_stated(luck, most):
    """Of 100 challengers that are worse nowhere; with two standard errors each it was 99."""
    thresholds = Thresholds(segment_luck=luck)
    found = [_refused_for_a_segment(_equal_models(seed), thresholds) for seed in range(100)]
    assert sum(found) <= most


def test_one_segment_among_many_that_did_get_worse_is_found():
    found = [_refused_for_a_segment(_equal_models(seed, 0.1), Thresholds()) for seed in range(20)]
    assert all(found)
