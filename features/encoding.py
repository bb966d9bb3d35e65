"""Rows as vectors: the one code path of training, endpoint and fallback.

Column by column, with nothing but the standard library, so that the same lines run over a
million rows in a training job and over one row in a function. The same row gives the same vector
on every machine and in every Python: no `hash()`, no order of sets.
"""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from features.definition import Definition, Feature, Hashed, Log, Numeric, Relative

Values = Sequence[Any]
Columns = Mapping[str, Values]
"""Column name to one value per row; a category is text, a whole number or None."""
Vectors = list["array[float]"]
"""One array of doubles per feature, in the definition's order; NaN where a category is missing."""
ABSENT = float("nan")
_REMEMBERED = 65_536


class InstanceError(ValueError):
    """A row that no vector can be made of: which one, which field, and why."""

    def __init__(self, index: int, field: str, problem: str) -> None:
        super().__init__(f"instance {index}: {field} {problem}")
        self.index, self.field, self.problem = index, field, problem


class History:
    """What the rows of training say about the columns; part of the model.

    `seen`: for each category the fingerprints of its values. `typical`: for each Relative feature
    the mean of log(1 + x) by group, with that of all rows under None.
    """

    def __init__(
        self,
        seen: Mapping[str, frozenset[int]],
        typical: Mapping[str, Mapping[str | None, float]],
    ) -> None:
        self.seen, self.typical = seen, typical

    def to_json(self) -> dict[str, Any]:
        """The history as `from_json` takes it; sorted, so that equal ones are equal bytes."""
        return {
            "seen": {c: _pack(sorted(values)) for c, values in self.seen.items()},
            "typical": {
                name: {
                    "all": means[None],
                    "groups": {g: means[g] for g in sorted(g for g in means if g is not None)},
                }
                for name, means in self.typical.items()
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> History:
        """The history of a model's file."""
        seen = {c: frozenset(_unpack(text)) for c, text in value["seen"].items()}
        typical = {
            name: {**means["groups"], None: means["all"]}
            for name, means in value["typical"].items()
        }
        return cls(seen, typical)


class Historian:
    """Gathers a History from the rows trained on, some at a time."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._seen: dict[str, set[int]] = {c: set() for c in definition.categories}
        relatives = [f for f in definition.features if isinstance(f, Relative)]
        self._sums: dict[Relative, dict[str | None, float]] = {
            f: defaultdict(float) for f in relatives
        }
        self._counts: dict[Relative, dict[str | None, int]] = {
            f: defaultdict(int) for f in relatives
        }

    def add(self, columns: Columns) -> None:
        """Rows of the training range, in order of time."""
        for column, seen in self._seen.items():
            seen.update(fingerprint(t) for t in map(text, set(columns[column])) if t is not None)
        for feature, sums in self._sums.items():
            counts = self._counts[feature]
            for value, group in zip(columns[feature.column], columns[feature.to], strict=True):
                log, key = math.log1p(value), text(group)
                for member in {key, None}:
                    sums[member] += log
                    counts[member] += 1

    def history(self) -> History:
        """What was gathered."""
        typical = {
            f.name: {g: total / self._counts[f][g] for g, total in sums.items()} or {None: 0.0}
            for f, sums in self._sums.items()
        }
        return History({c: frozenset(s) for c, s in self._seen.items()}, typical)


class Encoder:
    """Turns columns into vectors, with the history a model was trained on."""

    def __init__(self, definition: Definition, history: History) -> None:
        self.definition, self.history = definition, history
        self._lookups = {c: lru_cache(_REMEMBERED)(_finder(s)) for c, s in history.seen.items()}

    def encode(self, columns: Columns) -> Vectors:
        """The vectors of the rows: one array per feature. Numbers must be finite, and ≥ 0 where
        their logarithm is a feature.
        """
        return [self._feature(feature, columns) for feature in self.definition.features]

    def unseen(self, columns: Columns) -> list[list[str]]:
        """For each row the request fields whose value was never seen in training."""
        names = {i.column: i.request for i in self.definition.inputs}
        rows: list[list[str]] = [[] for _ in next(iter(columns.values()))]
        for column, find in self._lookups.items():
            for row, value in zip(rows, columns[column], strict=True):
                if text(value) is not None and find(value) is None:
                    row.append(names[column])
        return rows

    def _feature(self, feature: Feature, columns: Columns) -> array[float]:
        values = columns[feature.column]
        match feature:
            case Hashed(buckets=buckets):
                hashes = map(self._lookups[feature.column], values)
                return array("d", [ABSENT if f is None else float(f % buckets) for f in hashes])
            case Numeric():
                return array("d", values)
            case Log():
                return array("d", map(math.log1p, values))
            case Relative(to=to):
                means = self.history.typical[feature.name]
                overall = means[None]
                typical = [means.get(text(group), overall) for group in columns[to]]
                return array("d", [math.log1p(v) - t for v, t in zip(values, typical, strict=True)])


def text(value: Any) -> str | None:
    """A category's value as text: 17 and "17" are one; None and "" are none."""
    return None if value is None or value == "" else str(value)


def fingerprint(value: str) -> int:
    """64 bits that name a text: BLAKE2b, little-endian."""
    data = value.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def request_columns(definition: Definition, instances: Iterable[Mapping[str, Any]]) -> Columns:
    """The columns of prediction requests, by the requests' own names.

    Raises InstanceError for the first one that lacks a number, or has something else in its place.
    """
    rows = list(instances)
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InstanceError(index, "it", "is not an object")
    columns = {i.column: [row.get(i.request) for row in rows] for i in definition.inputs}
    names = {i.column: i.request for i in definition.inputs}
    for column in definition.numbers:
        is_signed = column not in definition.unsigned
        for index, value in enumerate(columns[column]):
            problem = _problem(value, is_signed)
            if problem:
                raise InstanceError(index, names[column], problem)
    for column in definition.categories:
        for index, value in enumerate(columns[column]):
            if isinstance(value, bool) or not isinstance(value, str | int | None):
                raise InstanceError(index, names[column], "is neither text nor a whole number")
    return columns


def _problem(value: Any, is_signed: bool) -> str | None:
    if value is None:
        return "is missing"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "is not a number"
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        return "is not finite"
    return "is negative" if value < 0 and not is_signed else None


def _finder(seen: frozenset[int]) -> Callable[[Any], int | None]:
    def find(value: Any) -> int | None:
        known = text(value)
        result = None if known is None else fingerprint(known)
        return result if result in seen else None

    return find


def _pack(numbers: Iterable[int]) -> str:
    return base64.b64encode(_little(array("Q", numbers)).tobytes()).decode()


def _unpack(packed: str) -> array[int]:
    numbers = array("Q")
    numbers.frombytes(base64.b64decode(packed))
    return _little(numbers)


def _little(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
