"""Whether a challenger may replace the champion: a decision from figures.

Pure: reads, writes and times nothing. Without a champion, the challenger is compared with the
base rate, a model with the same prediction for every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from scipy.stats import norm as normal
from scipy.stats import t as student

from ml.figures import Figures


@dataclass(frozen=True)
class Thresholds:
    """What a challenger has to reach. Shares are relative to the log loss of the reference.

    - `rows`: held-out rows, at least.
    - `margin`: how much better than the champion; `first_margin` than the base rate.
    - `errors`: by how many standard errors of the paired difference, so that luck is not enough.
      The margin must also hold without the smallest segments: they do not decide.
    - `baseline`: how much worse than its own logistic regression it may be.
    - `calibration_error`: the maximum beyond what chance alone gives, whatever the champion's is.
    - `ranking`: how much lower than the champion's its AUC may be.
    - `difference`: how far a score of its graph, which streams use, may be from its own.
    - `segment_worse`: how much worse it may be in a segment of `segment_rows` rows or more.
    - `segment_luck`: the share, at most, of challengers that are worse in no segment and are
      refused for one all the same, however many segments there are.
    """

    rows: int = 1_000
    margin: float = 0.002
    first_margin: float = 0.01
    errors: float = 2.0
    baseline: float = 0.005
    calibration_error: float = 0.03
    ranking: float = 0.005
    difference: float = 1e-6
    segment_rows: int = 500
    segment_worse: float = 0.03
    segment_luck: float = 0.01


@dataclass(frozen=True)
class Comparison:
    """Mean log loss of challenger and reference on the same rows.

    `error` is the standard error of the mean difference, from `clusters` of rows that
    depend on each other (0: from the rows alone).
    """

    rows: int
    challenger: float
    reference: float
    error: float
    clusters: int = 0

    @property
    def gain(self) -> float:
        """How much lower the challenger's loss is, nats; below 0 it is worse."""
        return self.reference - self.challenger

    def errors(self, errors: float) -> float:
        """Standard errors that are as unlikely with few clusters as `errors` are with many."""
        if not self.clusters:
            return errors
        return float(student.isf(normal.sf(errors), self.clusters - 1))

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        return {**asdict(self), "gain": self.gain}


@dataclass(frozen=True)
class Rest:
    """The comparison without the smallest segments: how many, and their rows."""

    comparison: Comparison
    segments: int
    rows: int

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        without = {"segments": self.segments, "rows": self.rows}
        return {**self.comparison.to_json(), "without": without}


@dataclass(frozen=True)
class Evidence:
    """All that is decided by. `champion` is None where there is none: the base rate is then the
    reference of `overall` and of the segments. `baseline` is the challenger's own fallback,
    `difference` the largest one of its graph's scores from its own on the same rows,
    `rest` what is left of the rows without the smallest segments (None: nothing is left out).
    """

    challenger: Figures
    champion: Figures | None
    baseline: Figures
    overall: Comparison
    segments: tuple[tuple[str, Comparison], ...]
    difference: float
    rest: Rest | None = None


@dataclass(frozen=True)
class Decision:
    """Promote or refuse, with every reason as a sentence."""

    promote: bool
    reasons: tuple[str, ...]

    @property
    def word(self) -> str:
        """As the report has it."""
        return "promote" if self.promote else "refuse"


def decide(evidence: Evidence, thresholds: Thresholds) -> Decision:
    """Refused with all objections; promoted if there is none."""
    if evidence.overall.rows < thresholds.rows:
        rows = evidence.overall.rows
        return refuse(f"{rows:,} rows that neither model has seen; {thresholds.rows:,} are needed")
    objections = tuple(_objections(evidence, thresholds))
    if objections:
        return Decision(False, objections)
    overall, reference = evidence.overall, _reference(evidence)
    gain = f"{overall.gain / overall.reference:.2%}"
    return Decision(True, (f"log loss {gain} better than {reference} on {overall.rows:,} rows",))


def refuse(reason: str) -> Decision:
    """For what is no matter of figures."""
    return Decision(False, (reason,))


def _reference(evidence: Evidence) -> str:
    return "the base rate" if evidence.champion is None else "the champion"


def _objections(evidence: Evidence, thresholds: Thresholds) -> Iterator[str]:
    overall, challenger = evidence.overall, evidence.challenger
    reference = _reference(evidence)
    margin = thresholds.margin if evidence.champion else thresholds.first_margin
    if _short(overall, margin):
        yield (
            f"log loss {overall.challenger:.4f} is not {margin:.1%} better than "
            f"{reference}'s {overall.reference:.4f}"
        )
    elif overall.gain < (errors := overall.errors(thresholds.errors)) * overall.error:
        yield (
            f"log loss is better than {reference}'s by {overall.gain:.4f}, which is within "
            f"{errors:.3g} standard errors ({overall.error:.4f}): it may be luck"
        )
    rest = evidence.rest
    if rest and _short(rest.comparison, margin) and not _short(overall, margin):
        yield (
            f"{rest.segments:,} small segments decide ({rest.rows:,} rows): on the other "
            f"{rest.comparison.rows:,} rows log loss is {rest.comparison.challenger:.4f} beside "
            f"{reference}'s {rest.comparison.reference:.4f}"
        )
    worst = (1 + thresholds.baseline) * evidence.baseline.log_loss
    if challenger.log_loss > worst:
        yield (
            f"log loss {challenger.log_loss:.4f} is worse than its own baseline's "
            f"{evidence.baseline.log_loss:.4f}"
        )
    maximum = thresholds.calibration_error + challenger.calibration_luck
    if challenger.calibration_error > maximum:
        yield f"calibration error {challenger.calibration_error:.4f} is above {maximum:.4f}"
    if not evidence.difference <= thresholds.difference:  # nor if it is no number
        yield (
            f"a score of its ONNX graph differs from its own by {evidence.difference:.3g}; "
            f"at most {thresholds.difference:g} is allowed"
        )
    champion = evidence.champion
    if champion and challenger.auc < champion.auc - thresholds.ranking:
        yield f"AUC {challenger.auc:.4f} is lower than the champion's {champion.auc:.4f}"
    for name, segment in _worse(evidence.segments, thresholds):
        yield (
            f"segment {name}: log loss {segment.challenger:.4f} beside {reference}'s "
            f"{segment.reference:.4f} on {segment.rows:,} rows"
        )


def _short(comparison: Comparison, margin: float) -> bool:
    """Not better by the margin."""
    return comparison.gain < margin * comparison.reference


def _worse(
    segments: Iterable[tuple[str, Comparison]], thresholds: Thresholds
) -> Iterator[tuple[str, Comparison]]:
    """Those that are large enough to count, worse beyond the bound, and beyond luck.

    Among many segments one is unlucky: the luck that is allowed is shared out between them
    (Bonferroni's correction).
    """
    counted = [pair for pair in segments if pair[1].rows >= thresholds.segment_rows]
    errors = float(normal.isf(thresholds.segment_luck / max(1, len(counted))))
    for name, segment in counted:
        lost = -segment.gain
        if lost > thresholds.segment_worse * segment.reference and lost > errors * segment.error:
            yield name, segment
