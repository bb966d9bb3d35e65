"""How good probabilities are: figures over rows with a known outcome. Decides nothing."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]
BINS = 10
_MIN_SCORE = 1e-15


@dataclass(frozen=True)
class Part:
    """One tenth of the rows, in order of score: the mean score, the share that came true.

    `lift` is that share beside the share of all rows.
    """

    rows: int
    score: float
    share: float
    lift: float


@dataclass(frozen=True)
class Figures:
    """Of all rows. `log_loss` is in nats; `calibration_error` the mean distance of the tenths'
    scores from their shares (ECE, bins of equal count), `calibration_luck` what it would be on
    average if every score were exactly true; `auc` is 0.5 where only one label occurs.
    """

    rows: int
    share: float
    log_loss: float
    brier: float
    auc: float
    calibration_error: float
    calibration_luck: float
    tenths: tuple[Part, ...]

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        return asdict(self)


def figures(scores: Floats, labels: Labels) -> Figures:
    """Figures of scores (n, 0 to 1) beside what happened (n); at least one row."""
    tenths = _tenths(scores, labels)
    return Figures(
        rows=len(scores),
        share=float(labels.mean()),
        log_loss=float(losses(scores, labels).mean()),
        brier=float(((scores - labels) ** 2).mean()),
        auc=auc(scores, labels),
        calibration_error=sum(t.rows * abs(t.score - t.share) for t in tenths) / len(scores),
        calibration_luck=sum(t.rows * _luck(t) for t in tenths) / len(scores),
        tenths=tenths,
    )


def losses(scores: Floats, labels: Labels) -> Floats:
    """Log loss of each row, nats."""
    probabilities = np.clip(np.where(labels, scores, 1 - scores), _MIN_SCORE, 1)
    return np.asarray(-np.log(probabilities), np.float64)


def auc(scores: Floats, labels: Labels) -> float:
    """The chance that a row that came true has a higher score than one that did not."""
    positive = int(labels.sum())
    negative = len(labels) - positive
    if not positive or not negative:
        return 0.5
    ranks = rankdata(scores)[labels].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * negative))


def _luck(part: Part) -> float:
    """The mean distance of a share from its probability: that of a normal distribution."""
    return math.sqrt(2 / math.pi * part.score * (1 - part.score) / part.rows)


def _tenths(scores: Floats, labels: Labels) -> tuple[Part, ...]:
    order = np.argsort(scores, kind="stable")
    overall = float(labels.mean()) or 1.0
    tenths = []
    for part in np.array_split(order, BINS):
        if len(part):
            share = float(labels[part].mean())
            tenths.append(Part(len(part), float(scores[part].mean()), share, share / overall))
    return tuple(tenths)
