"""Gradient-boosted trees that start from the logistic regression's log odds.

They learn what the regression cannot say (interactions, bends); it gives them a score that rises
with a price without steps and beyond all prices seen. One thread: two are slower on a busy
machine, and the sums of one are always the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from features.definition import Definition, Hashed

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]
_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Growth:
    """How trees are grown; `rounds` is the maximum, fewer are kept if more do not help."""

    rounds: int = 300
    depth: int = 4
    rate: float = 0.1
    patience: int = 20
    seed: int = 1

    def to_json(self) -> dict[str, float]:
        """The values by name."""
        return asdict(self)


def matrix(vectors: Sequence[Sequence[float] | Floats]) -> npt.NDArray[np.float32]:
    """Vectors as rows of single precision, which is what trees split by."""
    rows = np.empty((len(vectors[0]), len(vectors)), np.float32)
    for column, values in enumerate(vectors):
        rows[:, column] = _single(np.asarray(values, np.float64))
    return rows


Slice = tuple[npt.NDArray[np.float32], Floats, Labels]
"""Rows (n by features), their log odds so far (n), and labels (n)."""


def grow(definition: Definition, growth: Growth, learn: Slice, check: Slice) -> xgb.Booster:
    """Trees grown on the one slice, as many as predict the other one best; at least one."""
    data = xgb.QuantileDMatrix(learn[0], label=learn[2], **_options(definition, learn[1], None))
    later = xgb.QuantileDMatrix(check[0], label=check[2], **_options(definition, check[1], data))
    booster = xgb.train(
        _parameters(definition, growth),
        data,
        growth.rounds,
        evals=[(later, "later")],
        early_stopping_rounds=growth.patience,
        verbose_eval=False,
    )
    return booster[: booster.best_iteration + 1]


def margins(booster: xgb.Booster, rows: npt.NDArray[np.float32], start: Floats) -> Floats:
    """Log odds of rows, from log odds `start`."""
    if not len(rows):
        return np.empty(0)
    data = xgb.DMatrix(
        rows,
        base_margin=_single(start),
        feature_types=booster.feature_types,
        feature_names=booster.feature_names,
        enable_categorical=True,
        nthread=1,
    )
    return booster.predict(data, output_margin=True).astype(np.float64)


def _single(values: Floats) -> npt.NDArray[np.float32]:
    """Single precision; what is beyond it becomes its largest."""
    return np.clip(values, -_MAX, _MAX).astype(np.float32)


def _options(
    definition: Definition, start: Floats, ref: xgb.QuantileDMatrix | None
) -> dict[str, object]:
    return {
        "base_margin": _single(start),
        "feature_names": [f.name for f in definition.features],
        "feature_types": ["c" if isinstance(f, Hashed) else "q" for f in definition.features],
        "enable_categorical": True,
        "nthread": 1,
        "ref": ref,
    }


def _parameters(definition: Definition, growth: Growth) -> dict[str, object]:
    rises = tuple(int(f.column in definition.increasing) for f in definition.features)
    return {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "max_depth": growth.depth,
        "eta": growth.rate,
        "min_child_weight": 10,
        "reg_lambda": 5.0,
        "max_cat_threshold": 64,
        "monotone_constraints": str(rises),
        "nthread": 1,
        "seed": growth.seed,
        "verbosity": 1,
    }
