"""Fits the hashed logistic regression and the calibration; `features.scoring` scores them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from features.definition import Definition, Hashed
from features.scoring import Calibration, Logistic

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]
Bounds = tuple["float | None", "float | None"]
Loss = Callable[[Floats], "tuple[float, Floats]"]
PENALTY = 1.0
"""Weights are drawn to 0 as if each had a normal distribution around it, of variance 1."""
MIN_SLOPE = 0.05
LUCK = 9.21
"""The 99th percentile of chi-squared with two degrees of freedom."""
_ROUNDS = 300


@dataclass(frozen=True)
class _Category:
    """The buckets that occur, and which of them each row is in; the last one is for absent."""

    buckets: Floats
    index: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: Floats) -> _Category:
        """Buckets numbered in order."""
        absent = np.isnan(values)
        buckets, index = np.unique(values[~absent], return_inverse=True)
        positions = np.full(len(values), len(buckets), np.int64)
        positions[~absent] = index
        return cls(buckets, positions)

    def gradient(self, residual: Floats) -> Floats:
        """Per bucket the sum of the residuals."""
        sums: Floats = np.bincount(self.index, residual, len(self.buckets) + 1).astype(float)
        return sums[:-1]


@dataclass(frozen=True)
class _Number:
    """A number, centred and scaled."""

    values: Floats
    mean: float
    scale: float

    @classmethod
    def of(cls, values: Floats) -> _Number:
        """Mean 0 and deviation 1; one that never varies stays as it is."""
        mean, scale = float(values.mean()), float(values.std()) or 1.0
        return cls((values - mean) / scale, mean, scale)


def fit(definition: Definition, vectors: Sequence[Floats], labels: Labels) -> Logistic:
    """The best weights; those of increasing columns are never below 0."""
    parts = [
        _Category.of(values) if isinstance(feature, Hashed) else _Number.of(values)
        for feature, values in zip(definition.features, vectors, strict=True)
    ]
    sizes = [len(p.buckets) if isinstance(p, _Category) else 1 for p in parts]
    ends = np.cumsum([1, *sizes])
    target = labels.astype(np.float64)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = np.full(len(target), weights[0])
        for part, start, end in zip(parts, ends, ends[1:], strict=False):
            if isinstance(part, _Category):
                margin += np.append(weights[start:end], 0.0)[part.index]
            else:
                margin += weights[start] * part.values
        residual = 1 / (1 + np.exp(-np.clip(margin, -500, 500))) - target
        gradient = PENALTY * weights
        gradient[0] = residual.sum()
        for part, start, end in zip(parts, ends, ends[1:], strict=False):
            if isinstance(part, _Category):
                gradient[start:end] += part.gradient(residual)
            else:
                gradient[start] += (residual * part.values).sum()
        penalty = PENALTY / 2 * float((weights[1:] ** 2).sum())
        return float((np.logaddexp(0, margin) - target * margin).sum()) + penalty, gradient

    bounds: list[Bounds] = [(None, None)] * int(ends[-1])
    for feature, start in zip(definition.features, ends, strict=False):
        if feature.column in definition.increasing:
            bounds[int(start)] = (0.0, None)
    return _logistic(parts, ends, _minimum(loss, np.zeros(int(ends[-1])), bounds))


def _minimum(loss: Loss, first: Floats, bounds: list[Bounds]) -> Floats:
    """Minimizes a convex loss. One thread: more only wait for each other on small sums."""
    options = {"maxiter": _ROUNDS, "ftol": 1e-10, "gtol": 1e-4}
    with threadpool_limits(1):
        solution = minimize(
            loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
    return np.asarray(solution.x, np.float64)


def _logistic(
    parts: Sequence[_Category | _Number], ends: npt.NDArray[np.int64], weights: Floats
) -> Logistic:
    """The weights for numbers as they are, not scaled."""
    intercept = float(weights[0])
    weights_of: list[float | dict[float, float]] = []
    for part, start, end in zip(parts, ends, ends[1:], strict=False):
        if isinstance(part, _Category):
            pairs = zip(part.buckets.tolist(), weights[start:end].tolist(), strict=True)
            weights_of.append(dict(pairs))
        else:
            weight = float(weights[start]) / part.scale
            weights_of.append(weight)
            intercept -= weight * part.mean
    return Logistic(intercept, tuple(weights_of))


def calibrate(margins: Floats, labels: Labels) -> Calibration:
    """The slope (never 0 or less: the order of scores stays) and intercept that fit best.

    Where the scores fit so well that the gain may be luck (likelihood-ratio test, two degrees of
    freedom, 1 %), they stay as they are: with few rows the correction would be mostly noise.
    """
    target = labels.astype(np.float64)

    def loss(fitted: Floats) -> tuple[float, Floats]:
        margin = fitted[0] * margins + fitted[1]
        residual = 1 / (1 + np.exp(-np.clip(margin, -500, 500))) - target
        value = float((np.logaddexp(0, margin) - target * margin).mean())
        return value, np.array([(residual * margins).mean(), residual.mean()])

    same = np.array([1.0, 0.0])
    fitted = _minimum(loss, same, [(MIN_SLOPE, None), (None, None)])
    if 2 * len(target) * (loss(same)[0] - loss(fitted)[0]) < LUCK:
        return Calibration()
    return Calibration(float(fitted[0]), float(fitted[1]))
