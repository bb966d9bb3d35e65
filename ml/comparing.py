"""Two models on the same rows: mean losses, and whether their difference may be chance.

Rows of one segment are not independent: what one model knows of a segment helps it on all of that
segment's rows. So the standard error is the larger of that of the rows and that of the segments
(Liang and Zeger, Longitudinal data analysis using generalized linear models, 1986), and with few
segments it takes more of them (Student's t distribution).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.gate import Comparison, Rest

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
MIN_CLUSTERS = 5  # with fewer segments their variance is not a usable estimate
SMALL_SHARE = 0.05


@dataclass(frozen=True)
class Losses:
    """Log loss of challenger and reference, row by row; `codes` number the rows' segments."""

    challenger: Floats
    reference: Floats
    codes: Codes

    def overall(self) -> Comparison:
        """On all rows."""
        return _comparison(self, clustered=True)

    def rest(self) -> Rest | None:
        """Without the smallest segments, which have SMALL_SHARE of the rows at most.

        None where there are so few segments, or such large ones, that none is left out.
        """
        present, counts = np.unique(self.codes, return_counts=True)
        order = np.argsort(counts, kind="stable")
        small = order[np.cumsum(counts[order]) <= SMALL_SHARE * len(self.codes)]
        if len(present) < MIN_CLUSTERS or not len(small):
            return None
        kept = ~np.isin(self.codes, present[small])
        comparison = _comparison(self[kept], clustered=True)
        return Rest(comparison, len(small), int(counts[small].sum()))

    def segments(self, names: list[str]) -> tuple[tuple[str, Comparison], ...]:
        """Each segment that has a name, the largest first."""
        compared = [
            (name, _comparison(self[self.codes == code], clustered=False))
            for code, name in enumerate(names)
            if (self.codes == code).any()
        ]
        return tuple(sorted(compared, key=lambda pair: (-pair[1].rows, pair[0])))

    def __getitem__(self, chosen: npt.NDArray[np.bool_]) -> Losses:
        return Losses(self.challenger[chosen], self.reference[chosen], self.codes[chosen])


def _comparison(losses: Losses, *, clustered: bool) -> Comparison:
    gains = losses.reference - losses.challenger
    error, clusters = float(gains.std() / np.sqrt(len(gains))), 0
    if clustered:
        by_cluster, clusters = _cluster_error(gains, losses.codes)
        error = max(error, by_cluster)
    return Comparison(
        len(gains),
        float(losses.challenger.mean()),
        float(losses.reference.mean()),
        error,
        clusters,
    )


def _cluster_error(gains: Floats, codes: Codes) -> tuple[float, int]:
    """Standard error of the mean from the sums of the segments, and their number; 0 of few."""
    _, index = np.unique(codes, return_inverse=True)
    sums = np.bincount(index, gains - gains.mean())
    if len(sums) < MIN_CLUSTERS:
        return 0.0, 0
    correction = len(sums) / (len(sums) - 1)
    return float(np.sqrt(correction * (sums**2).sum()) / len(gains)), len(sums)
