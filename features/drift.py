"""How far rows have moved from those that a model was trained on: the population stability index.

PSI = Σ (p - q) · ln(p / q) over the bins of reference (q) and current rows (p); below 0.1 little,
above 0.2 much. Source: Siddiqi, Credit Risk Scorecards, 2006. The reference is a histogram of each
column, of the label and of the scores; training keeps it with the model, so that nobody has to
read the old rows again. Standard library only: it travels with a model.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from features.encoding import text
from features.scoring import Fallback

BINS = 10
VALUES = 2 * BINS  # of a category; all others together are one more
OTHERS = "\0others"
SCORE = "score"
_MIN_SHARE = 1e-4  # the share of an empty bin
Sample = Mapping[str, Sequence[Any]]
"""Column name to values, one per row: numbers are floats, categories texts or None."""


@dataclass(frozen=True)
class Numbers:
    """A histogram: values below the first edge, between two edges, from the last edge on."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Numbers:
        """In tenths of the values; there must be some."""
        ordered = sorted(values)
        edges = tuple(sorted({ordered[len(ordered) * n // BINS] for n in range(1, BINS)}))
        return cls(edges, _binned(edges, values))

    def index(self, values: Sequence[float]) -> float:
        """Of other values; there must be some."""
        return index(self.counts, _binned(self.edges, values))


@dataclass(frozen=True)
class Categories:
    """How often the most frequent values occur, and all others together."""

    counts: Mapping[str, int]

    @classmethod
    def of(cls, values: Sequence[Any]) -> Categories:
        """None and an empty text are one value."""
        counted = Counter(text(value) or "" for value in values)
        kept = dict(sorted(counted.most_common(VALUES)))
        return cls({**kept, OTHERS: len(values) - sum(kept.values())})

    def index(self, values: Sequence[Any]) -> float:
        """Of other values; there must be some."""
        counted = Counter(text(value) or "" for value in values)
        known = [counted[value] for value in self.counts if value != OTHERS]
        others = len(values) - sum(known)
        reference = [n for value, n in self.counts.items() if value != OTHERS]
        return index([*reference, self.counts[OTHERS]], [*known, others])


@dataclass(frozen=True)
class Reference:
    """The rows that a model was trained on, as histograms by column."""

    numbers: Mapping[str, Numbers]
    categories: Mapping[str, Categories]

    @classmethod
    def of(cls, fallback: Fallback, sample: Sample) -> Reference:
        """Of the inputs, the label and the fallback's scores of the rows; there must be some."""
        definition = fallback.encoder.definition
        numbers = {column: Numbers.of(sample[column]) for column in definition.numbers}
        texts = (*definition.categories, definition.label)
        return cls(
            {**numbers, SCORE: Numbers.of(fallback.scores(sample))},
            {column: Categories.of(sample[column]) for column in texts},
        )

    def moved(self, fallback: Fallback, sample: Sample) -> dict[str, float]:
        """The index of each column, of the label, and of the scores, for other rows."""
        values = {**sample, SCORE: fallback.scores(sample)}
        numbers = {name: histogram.index(values[name]) for name, histogram in self.numbers.items()}
        texts = {name: histogram.index(values[name]) for name, histogram in self.categories.items()}
        return {**numbers, **texts}

    def to_json(self) -> dict[str, Any]:
        """The histograms as `from_json` takes them."""
        return {
            "numbers": {name: asdict(histogram) for name, histogram in self.numbers.items()},
            "categories": {
                name: dict(histogram.counts) for name, histogram in self.categories.items()
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Reference:
        """The histograms of a model's file."""
        return cls(
            {
                name: Numbers(tuple(histogram["edges"]), tuple(histogram["counts"]))
                for name, histogram in value["numbers"].items()
            },
            {name: Categories(counts) for name, counts in value["categories"].items()},
        )


def index(reference: Sequence[int], current: Sequence[int]) -> float:
    """The index of counts by bin; both must have rows."""
    before, after = sum(reference), sum(current)
    total = 0.0
    for expected, observed in zip(reference, current, strict=True):
        q, p = max(expected / before, _MIN_SHARE), max(observed / after, _MIN_SHARE)
        total += (p - q) * math.log(p / q)
    return total


def _binned(edges: Sequence[float], values: Sequence[float]) -> tuple[int, ...]:
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[bisect_right(edges, value)] += 1
    return tuple(counts)
