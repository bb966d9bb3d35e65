"""The evaluation job: challenger beside champion on the newest rows, which neither has seen.

SageMaker's contract: SM_CHANNEL_CHALLENGER and, where there is one, SM_CHANNEL_CHAMPION hold a
`model.tar.gz`, SM_CHANNEL_TEST Parquet files. `evaluation.json` and the page `evaluation.html` go
into SM_MODEL_DIR. The job succeeds whatever is decided: a model that cannot be read is refused,
also one that crashes the library that reads it.
Every threshold of `ml.gate` is a hyperparameter.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from features.definition import Definition
from ml import gate
from ml.apart import CrashedError, apart
from ml.artifact import (
    ARCHIVE,
    GRAPH,
    ArtifactError,
    RefusedError,
    Trained,
    unpack,
    write_json,
)
from ml.comparing import Losses
from ml.figures import figures, losses
from ml.gate import Decision, Evidence, Thresholds
from ml.page import page
from ml.rows import Range, Rows, RowsError, instant, read
from ml.streaming import GraphError, largest_difference
from ml.train import ROWS

Floats = npt.NDArray[np.float64]
MAX_SEGMENTS = 200
"""The number of segments in the report, the largest first; small ones decide nothing."""


@dataclass(frozen=True)
class Scored:
    """Scores of one model on the held-out rows."""

    model: Trained
    scores: Floats
    fallback: Floats

    @classmethod
    def of(cls, model: Trained, rows: Rows) -> Scored:
        """Scores the rows, some at a time."""
        parts = [(model.scores(c), model.fallback.scores(c)) for c in rows.chunks()]
        scores, fallback = (np.array([s for p in parts for s in p[n]]) for n in (0, 1))
        return cls(model, scores, fallback)


def load(folder: Path) -> Trained:
    """The model of a channel: its archive, or its files. Raises ArtifactError."""
    archive = folder / ARCHIVE
    if not archive.is_file():
        return Trained.load(folder)
    with tempfile.TemporaryDirectory() as unpacked:
        return Trained.load(unpack(archive, Path(unpacked)))


def evaluate(
    challenger: Path,
    champion: Path | None,
    test: Path,
    within: Range,
    thresholds: Thresholds,
    limit: int = ROWS,
) -> dict[str, Any]:
    """The report: decision, reasons, and all figures behind it, as plain JSON."""
    try:
        new = load(challenger)
    except RefusedError as error:
        return _refused(str(error), thresholds)
    except ArtifactError as error:
        return _refused(f"the challenger cannot be used: {error}", thresholds)
    if not new.graph:
        return _refused(f"the challenger has no {GRAPH}: streams cannot use it", thresholds)
    try:
        old = load(champion) if champion else None
    except ArtifactError as error:
        return _refused(
            f"the champion cannot be read, nothing to compare with: {error}", thresholds
        )
    if old and _rows_of(old.definition) != _rows_of(new.definition):
        return _refused("the champion predicts something else: promote by hand", thresholds)
    try:
        rows = held_out(test, new, old, within, limit)
    except RowsError as error:
        return _refused(f"the test rows cannot be read: {error}", thresholds)
    if not len(rows):
        return _refused("no rows that neither model has seen", thresholds)
    try:
        return report(new, old, rows, thresholds)
    except GraphError as error:
        return _refused(f"{GRAPH} of the challenger cannot be used: {error}", thresholds)


def held_out(
    folder: Path, new: Trained, old: Trained | None, within: Range, limit: int = ROWS
) -> Rows:
    """The rows after everything that either model has learned from: `limit` of them or so."""
    seen = max(m.fitted_through for m in (new, old) if m)
    definition = _union(new.definition, old.definition) if old else new.definition
    later = replace(within, start=max(within.start, seen + 1))
    return read(folder, definition, later, limit).rows


def report(new: Trained, old: Trained | None, rows: Rows, thresholds: Thresholds) -> dict[str, Any]:
    """Scores both on the rows, compares, decides."""
    challenger = Scored.of(new, rows)
    difference = largest_difference(new, rows, challenger.scores)
    champion = Scored.of(old, rows) if old else None
    rate = np.full(len(rows), _base_rate(new, rows))
    reference = champion.scores if champion else rate
    segment = new.definition.segment
    both = Losses(
        losses(challenger.scores, rows.label), losses(reference, rows.label), rows.codes[segment]
    )
    evidence = Evidence(
        challenger=figures(challenger.scores, rows.label),
        champion=figures(champion.scores, rows.label) if champion else None,
        baseline=figures(challenger.fallback, rows.label),
        overall=both.overall(),
        segments=both.segments(rows.values[segment]),
        difference=difference,
        rest=both.rest(),
    )
    decision = gate.decide(evidence, thresholds)
    return {
        **_head(decision, thresholds),
        "rows": len(rows),
        "from": instant(int(rows.time[0])),
        "through": instant(int(rows.time[-1])),
        "challenger": _model(new) | evidence.challenger.to_json() | _histogram(challenger.scores),
        "champion": champion
        and evidence.champion
        and _model(champion.model) | evidence.champion.to_json() | _histogram(champion.scores),
        "baseline": evidence.baseline.to_json(),
        "base_rate": figures(rate, rows.label).to_json(),
        "graph": {"largest_difference": difference},
        "overall": evidence.overall.to_json(),
        "without_small_segments": evidence.rest and evidence.rest.to_json(),
        "segment": segment,
        "segments": [{"segment": n} | c.to_json() for n, c in evidence.segments[:MAX_SEGMENTS]],
    }


def _rows_of(definition: Definition) -> tuple[str, ...]:
    return definition.record, definition.key, definition.time, definition.label


def _union(new: Definition, old: Definition) -> Definition:
    """The columns that both read; each may encode them differently."""
    inputs = {i.column: i for i in (*old.inputs, *new.inputs)}
    features = dict.fromkeys((*new.features, *old.features))
    return replace(new, inputs=tuple(inputs.values()), features=tuple(features))


def _head(decision: Decision, thresholds: Thresholds) -> dict[str, Any]:
    return {
        "decision": decision.word,
        "reasons": list(decision.reasons),
        "thresholds": asdict(thresholds),
    }


def _refused(reason: str, thresholds: Thresholds) -> dict[str, Any]:
    nothing: dict[str, Any] = {"rows": 0, "challenger": None, "champion": None, "segments": []}
    return _head(gate.refuse(reason), thresholds) | nothing


def _model(model: Trained) -> dict[str, Any]:
    names = ("trained_from", "fitted_through", "window_rows", "rounds")
    return {"model_version": model.version} | {n: model.metadata.get(n) for n in names}


def _base_rate(model: Trained, rows: Rows) -> float:
    """That of the rows learned from; where nobody knows it, the best one of these rows."""
    return float(model.metadata.get("base_rate", rows.label.mean()))


def _histogram(scores: Floats) -> dict[str, Any]:
    """Shares of the rows by score, in twenty equal steps from 0 to 1."""
    counts, _ = np.histogram(scores, bins=20, range=(0, 1))
    return {"distribution": (counts / len(scores)).tolist()}


def write(evaluation: Mapping[str, Any], folder: Path) -> None:
    """The report as JSON and as a page."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "evaluation.json", evaluation)
    (folder / "evaluation.html").write_text(page(evaluation), "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads SageMaker's environment and hyperparameters; unknown ones are ignored."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="start", default="", help="RFC 3339 or epoch ms")
    parser.add_argument("--to", dest="end", default="", help="RFC 3339 or epoch ms; not included")
    parser.add_argument("--training-rows", type=int, default=ROWS, help="at most: a sample of more")
    for field in fields(Thresholds):
        kind = type(field.default)
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    options, _ = parser.parse_known_args(arguments)
    thresholds = Thresholds(**{f.name: getattr(options, f.name) for f in fields(Thresholds)})
    champion = os.environ.get("SM_CHANNEL_CHAMPION")
    try:
        evaluation = apart(
            evaluate,
            Path(os.environ["SM_CHANNEL_CHALLENGER"]),
            Path(champion) if champion else None,
            Path(os.environ["SM_CHANNEL_TEST"]),
            Range.parse(options.start, options.end),
            thresholds,
            options.training_rows,
        )
    except CrashedError as error:
        evaluation = _refused(
            f"the evaluation {error}: a file of the challenger or the champion is damaged",
            thresholds,
        )
    write(evaluation, Path(os.environ["SM_MODEL_DIR"]))
    print(json.dumps({"decision": evaluation["decision"], "reasons": evaluation["reasons"]}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
