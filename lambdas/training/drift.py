"""The population stability index: how far a distribution has moved from what it was.

PSI = Σ (p - q) · ln(p / q) over the bins of reference (q) and current rows (p); below 0.1 little,
above 0.2 much. Source: Siddiqi, Credit Risk Scorecards, 2006.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from glue.features import Definition
from glue.scoring import Fallback
from glue.targets.vectors import text

BINS = 10
REST = "\0others"
SCORE = "score"
_LEAST = 1e-4  # an empty bin's share


def stability(reference: Sequence[float], current: Sequence[float]) -> float:
    """The index of numbers, in tenths of the reference. Both must have values."""
    ordered = sorted(reference)
    edges = sorted({ordered[len(ordered) * n // BINS] for n in range(1, BINS)})
    return index(
        Counter(bisect_right(edges, value) for value in reference),
        Counter(bisect_right(edges, value) for value in current),
    )


def stability_of_categories(reference: Sequence[str], current: Sequence[str]) -> float:
    """The index of texts: the most frequent of the reference, and all others together."""
    kept = {value for value, _ in Counter(reference).most_common(2 * BINS)}
    return index(
        Counter(v if v in kept else REST for v in reference),
        Counter(v if v in kept else REST for v in current),
    )


def index(reference: Mapping[Any, int], current: Mapping[Any, int]) -> float:
    """The index of counts by bin."""
    before, after = sum(reference.values()), sum(current.values())
    total = 0.0
    for place in {*reference, *current}:
        q = max(reference.get(place, 0) / before, _LEAST)
        p = max(current.get(place, 0) / after, _LEAST)
        total += (p - q) * math.log(p / q)
    return total


Sample = Mapping[str, Sequence[Any]]
"""Column name to values, one per row: numbers are floats, categories texts or None."""


def moved(fallback: Fallback, label: str, reference: Sample, current: Sample) -> dict[str, float]:
    """The index of each column, of the label, and of the scores the model gives the rows."""
    definition = fallback.encoder.definition
    found = {SCORE: stability(fallback.scores(reference), fallback.scores(current))}
    for column in definition.numbers:
        found[column] = stability(reference[column], current[column])
    for column in (*definition.categories, label):
        before, after = (_texts(sample[column]) for sample in (reference, current))
        found[column] = stability_of_categories(before, after)
    return found


def sample_of(definition: Definition, rows: Sequence[Sequence[str | None]]) -> Sample:
    """The sample in rows as `sample_sql` asks for them; rows without a number are left out."""
    names = [*definition.columns, definition.label]
    numbers = [names.index(column) for column in definition.numbers]
    complete = [row for row in rows if all(row[place] is not None for place in numbers)]
    columns = {name: [row[place] for row in complete] for place, name in enumerate(names)}
    values = {n: [float(str(v)) for v in columns[n]] for n in definition.numbers}
    return {**columns, **values}


def sample_sql(definition: Definition, table: str, condition: str, size: int) -> str:
    """Some rows by chance: the inputs and the label, as text."""
    columns = ", ".join(
        f"CAST({column} AS varchar) AS {column}"
        for column in (*definition.columns, definition.label)
    )
    return f"SELECT {columns} FROM {table} WHERE {condition} ORDER BY random() LIMIT {size}"


def _texts(values: Sequence[Any]) -> list[str]:
    return [text(value) or "" for value in values]
