"""Which rows a job samples if there are too many: the newest, and a share of the others.

Half of the limit goes to the newest rows, the rest is an equal share of all older ones, so that
every hour of the range is in the sample. A row is taken by its key, the same in every run. How
the rows lie in time is known from the files' footers: nothing is read for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
STEPS = 2_000  # of the range, in which rows are counted
RECENT = 0.5  # of the limit
_KEYS = 2.0**64


@dataclass(frozen=True)
class Span:
    """Rows between two times (epoch ms, both included), spread evenly as far as is known."""

    start: int
    end: int
    rows: int


@dataclass(frozen=True)
class Sample:
    """All rows from `recent` on (epoch ms), and `share` of those before."""

    recent: int = -(2**62)
    share: float = 1.0

    def takes(self, times: Integers, keys: Keys) -> npt.NDArray[np.bool_]:
        """Which of the rows belong to it; `keys` are hashes, evenly spread."""
        by_key = keys.astype(np.float64) < self.share * _KEYS
        return np.asarray((times >= self.recent) | by_key, np.bool_)

    @property
    def whole(self) -> bool:
        """Whether it takes every row."""
        return self.share >= 1


def plan(spans: Iterable[Span], start: int, end: int, limit: int) -> Sample:
    """A sample of about `limit` of the rows of spans that lie within [start, end)."""
    inside = [s for s in spans if s.start < end and s.end >= start]
    if sum(s.rows for s in inside) <= limit:
        return Sample()
    first = max(start, min(s.start for s in inside))
    last = min(end, max(s.end for s in inside) + 1)
    edges = np.linspace(first, last, STEPS + 1)
    before = sum((_before(s, edges) for s in inside), np.zeros(len(edges)))
    newer = before[-1] - before  # rows within the range that are not older than each edge
    if newer[0] <= limit:
        return Sample()
    at = int(np.argmax(newer <= limit * RECENT))
    share = (limit - newer[at]) / (newer[0] - newer[at])
    return Sample(int(np.ceil(edges[at])), float(share))


def _before(span: Span, edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How many of its rows are older than each edge."""
    share = (edges - span.start) / (span.end + 1 - span.start)
    return np.asarray(span.rows * np.clip(share, 0, 1), np.float64)
