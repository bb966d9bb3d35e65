"""Scores without any library: the hashed logistic regression, and calibration.

It is the baseline a model has to beat, the starting point of the trees, and what answers when no
endpoint does. `Fallback` is one JSON file; the same lines score it everywhere.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.definition import Definition
from features.encoding import Columns, Encoder, History, Vectors, request_columns

Prediction = dict[str, Any]
LIKELY = 0.5
_FAR = 700.0  # exp() of more is no double


@dataclass(frozen=True)
class Calibration:
    """From log odds to a probability that means what it says; `slope` > 0 keeps the order.

    Source: Platt, Probabilistic outputs for support vector machines, 1999.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def probabilities(self, margins: Iterable[float]) -> list[float]:
        """Probabilities, 0 to 1, of log odds."""
        slope, intercept = self.slope, self.intercept
        return [sigmoid(slope * margin + intercept) for margin in margins]


@dataclass(frozen=True)
class Logistic:
    """log odds = intercept + a weight per bucket of a category + weight × number.

    `weights` has one entry per feature of the definition: a mapping from bucket to weight for a
    hashed one, a number for the others. What has no weight, or is NaN, adds nothing.
    """

    intercept: float
    weights: tuple[float | Mapping[float, float], ...]

    def margins(self, vectors: Vectors) -> array[float]:
        """Log odds, one per row."""
        totals = [self.intercept] * (len(vectors[0]) if vectors else 0)
        for weight, values in zip(self.weights, vectors, strict=True):
            if isinstance(weight, Mapping):
                get = weight.get
                totals = [t + get(v, 0.0) for t, v in zip(totals, values, strict=True)]
            else:
                totals = [t + weight * v for t, v in zip(totals, values, strict=True)]
        return array("d", totals)

    def to_json(self) -> dict[str, Any]:
        """The weights as `from_json` takes them."""
        weights = [
            {str(int(b)): w for b, w in sorted(weight.items())}
            if isinstance(weight, Mapping)
            else weight
            for weight in self.weights
        ]
        return {"intercept": self.intercept, "weights": weights}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Logistic:
        """The weights of a model's file."""
        weights = [
            {float(b): w for b, w in weight.items()}
            if isinstance(weight, Mapping)
            else float(weight)
            for weight in value["weights"]
        ]
        return cls(float(value["intercept"]), tuple(weights))


@dataclass(frozen=True)
class Fallback:
    """All that is needed to answer: definition, history, weights, calibration and version."""

    version: str
    encoder: Encoder
    logistic: Logistic
    calibration: Calibration

    def scores(self, columns: Columns) -> list[float]:
        """Probabilities of rows given by column."""
        return self.calibration.probabilities(self.logistic.margins(self.encoder.encode(columns)))

    def predict(self, instances: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """An answer per request: `score`, `predicted_label` and `unseen` field names.

        Raises InstanceError for a request without a number that is needed.
        """
        columns = request_columns(self.encoder.definition, instances)
        return predictions(self.scores(columns), self.encoder.unseen(columns))

    def to_json(self) -> dict[str, Any]:
        """The file's content, as `from_json` takes it."""
        return {
            "model_version": self.version,
            "definition": self.encoder.definition.to_json(),
            "history": self.encoder.history.to_json(),
            "logistic": self.logistic.to_json(),
            "calibration": {
                "slope": self.calibration.slope,
                "intercept": self.calibration.intercept,
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Fallback:
        """The model of a `fallback.json`, parsed."""
        definition = Definition.from_json(value["definition"])
        encoder = Encoder(definition, History.from_json(value["history"]))
        logistic = Logistic.from_json(value["logistic"])
        return cls(value["model_version"], encoder, logistic, Calibration(**value["calibration"]))


def predictions(scores: Iterable[float], unseen: Iterable[list[str]]) -> list[Prediction]:
    """Scores as the prediction API answers them."""
    return [
        {"score": score, "predicted_label": float(score >= LIKELY), "unseen": fields}
        for score, fields in zip(scores, unseen, strict=True)
    ]


def sigmoid(margin: float) -> float:
    """1 / (1 + exp(-margin)), for any margin."""
    if margin >= 0:
        return 1 / (1 + math.exp(-min(margin, _FAR)))
    odds = math.exp(max(margin, -_FAR))
    return odds / (1 + odds)
