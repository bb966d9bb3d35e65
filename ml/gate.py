"""Whether a challenger may take the champion's place: figures in, a decision out.

Pure: nothing is read, written or timed. Where there is no champion yet, the challenger is held
against the base rate, a model that says the same of every row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ml.figures import Figures


@dataclass(frozen=True)
class Thresholds:
    """What a challenger has to reach. Shares are relative to the log loss of the reference.

    - `rows`: held-out rows, at least.
    - `margin`: how much better than the champion; `first_margin` than the base rate.
    - `errors`: by how many standard errors of the paired difference, so that luck is not enough.
    - `baseline`: how much worse than its own logistic regression it may be.
    - `calibration_error`: the most beyond what luck alone gives, whatever the champion's is.
    - `ranking`: how much lower than the champion's its AUC may be.
    - `segment_worse`: how much worse it may be in a segment of `segment_rows` rows or more.
    """

    rows: int = 1_000
    margin: float = 0.002
    first_margin: float = 0.01
    errors: float = 2.0
    baseline: float = 0.005
    calibration_error: float = 0.03
    ranking: float = 0.005
    segment_rows: int = 500
    segment_worse: float = 0.03


@dataclass(frozen=True)
class Comparison:
    """Mean log loss of challenger and reference on the same rows.

    `error` is the standard error of the mean difference.
    """

    rows: int
    challenger: float
    reference: float
    error: float

    @property
    def gain(self) -> float:
        """How much lower the challenger's loss is, nats; below 0 it is worse."""
        return self.reference - self.challenger

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        return {**asdict(self), "gain": self.gain}


@dataclass(frozen=True)
class Evidence:
    """All that is decided by. `champion` is None where there is none: the base rate is then the
    reference of `overall` and of the segments. `baseline` is the challenger's own fallback.
    """

    challenger: Figures
    champion: Figures | None
    baseline: Figures
    overall: Comparison
    segments: tuple[tuple[str, Comparison], ...]


@dataclass(frozen=True)
class Decision:
    """Promote or refuse, and every reason for it in a sentence."""

    promote: bool
    reasons: tuple[str, ...]

    @property
    def word(self) -> str:
        """As the report has it."""
        return "promote" if self.promote else "refuse"


def decide(evidence: Evidence, thresholds: Thresholds) -> Decision:
    """Refused for every objection there is; promoted where there is none."""
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
    if overall.gain < margin * overall.reference:
        yield (
            f"log loss {overall.challenger:.4f} is not {margin:.1%} better than "
            f"{reference}'s {overall.reference:.4f}"
        )
    elif overall.gain < thresholds.errors * overall.error:
        yield (
            f"log loss is better than {reference}'s by {overall.gain:.4f}, which is within "
            f"{thresholds.errors:g} standard errors ({overall.error:.4f}): it may be luck"
        )
    worst = (1 + thresholds.baseline) * evidence.baseline.log_loss
    if challenger.log_loss > worst:
        yield (
            f"log loss {challenger.log_loss:.4f} is worse than its own baseline's "
            f"{evidence.baseline.log_loss:.4f}"
        )
    most = thresholds.calibration_error + challenger.calibration_luck
    if challenger.calibration_error > most:
        yield f"calibration error {challenger.calibration_error:.4f} is above {most:.4f}"
    champion = evidence.champion
    if champion and challenger.auc < champion.auc - thresholds.ranking:
        yield f"AUC {challenger.auc:.4f} is lower than the champion's {champion.auc:.4f}"
    for name, segment in evidence.segments:
        if _worse(segment, thresholds):
            yield (
                f"segment {name}: log loss {segment.challenger:.4f} beside {reference}'s "
                f"{segment.reference:.4f} on {segment.rows:,} rows"
            )


def _worse(segment: Comparison, thresholds: Thresholds) -> bool:
    """Large enough to count, beyond the bound, and beyond luck."""
    lost = -segment.gain
    return (
        segment.rows >= thresholds.segment_rows
        and lost > thresholds.segment_worse * segment.reference
        and lost > thresholds.errors * segment.error
    )
