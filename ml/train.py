"""The training job: from the rows of a time range to a model's folder.

SageMaker's contract: Parquet files under SM_CHANNEL_TRAIN, hyperparameters as `--name value`, the
model into SM_MODEL_DIR, all else into SM_OUTPUT_DATA_DIR. In order of time the rows are split:

    70 % fit · 10 % check (how far back, how many trees, calibration) · 20 % test, the newest

How far back to look is chosen, as behaviour changes: all of the fit rows, or the newest half,
quarter, eighth or sixteenth of them, whichever predicts the rows after them best. With the same
rows and hyperparameters all figures and predictions are the same bytes.

Where a model cannot be trained (no rows in the range, too few, one label only) the job succeeds
and its archive has `result.json` alone, with the reason. It must not fail: SageMaker's training
toolkit overwrites the failure file of a script that exits with an error.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from features.definition import MIN_ROWS, Definition
from features.drift import Reference
from features.encoding import Encoder, Historian
from features.scoring import Fallback, Logistic
from ml import logistic, trees
from ml.artifact import METRICS, REFERENCE, Trained, write_json
from ml.errors import JobError
from ml.figures import figures, losses
from ml.rows import Range, Reading, Rows, instant, read
from ml.trees import Growth

RESULT = "result.json"
ROWS = 2_000_000
WINDOWS = (1.0, 0.5, 0.25, 0.125, 0.0625)
MIN_WINDOW = 2_000
REFERENCE_ROWS = 50_000
_BETTER = 0.999  # a shorter window must be this much better than all longer ones
Floats = npt.NDArray[np.float64]


class NotTrained(JobError):
    """Nothing was trained; `status` is the reason: empty or insufficient."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Settings:
    """Hyperparameters. `version` names the model; a digest of it where empty. Of more than
    `rows` a sample is taken.
    """

    within: Range
    version: str = ""
    shuffle_labels: bool = False
    growth: Growth = Growth()  # noqa: RUF009 (frozen)
    rows: int = ROWS


@dataclass(frozen=True)
class Slices:
    """The rows in order of time; no instant is in two of them."""

    fit: Rows
    check: Rows
    test: Rows

    @classmethod
    def of(cls, rows: Rows) -> Slices:
        """Raises NotTrained if a slice would be empty or have only one label."""
        cuts = [rows.time[int(len(rows) * share)] for share in (0.7, 0.8)]
        ends = [0, *np.searchsorted(rows.time, cuts).tolist(), len(rows)]
        parts = [rows[slice(a, b)] for a, b in pairwise(ends)]
        for part in parts:
            if len(np.unique(part.label)) < 2:
                raise NotTrained(
                    "insufficient", "a part of the range has only one label, or no rows"
                )
        return cls(*parts)


def train(rows: Rows, definition: Definition, settings: Settings) -> tuple[Trained, Slices]:
    """A model and the slices it was trained on. Raises NotTrained if there are too few rows."""
    if not len(rows):
        raise NotTrained("empty", "no rows in the range")
    if len(rows) < MIN_ROWS:
        raise NotTrained("insufficient", f"{len(rows)} rows; {MIN_ROWS} are needed")
    if settings.shuffle_labels:
        order = np.random.default_rng(settings.growth.seed).permutation(len(rows))
        rows = replace(rows, label=rows.label[order])
    slices = Slices.of(rows)
    used = slices.fit[len(slices.fit) - _window(definition, slices) :]
    fitted, rounds = _fitted(definition, used, slices.check, settings.growth)
    metadata = {
        "definition": definition.name,
        "window_rows": len(used),
        "rounds": rounds,
        "base_rate": float(used.label.mean()),
        "trained_from": instant(int(used.time[0])),
        "fitted_through": instant(int(slices.check.time[-1])),
        "fitted_through_ms": int(slices.check.time[-1]),
        "slices": {n: len(getattr(slices, n)) for n in ("fit", "check", "test")},
        "hyperparameters": {**settings.growth.to_json(), "shuffle_labels": settings.shuffle_labels},
        "libraries": libraries(),
    }
    version = settings.version or _digest(fitted, metadata)
    fallback = replace(fitted.fallback, version=version)
    return replace(fitted, fallback=fallback, metadata=metadata), slices


def _window(definition: Definition, slices: Slices) -> int:
    """How many of the newest fit rows to train on."""
    encoder = _encoder(definition, slices.fit)
    vectors, later = _vectors(encoder, slices.fit), _vectors(encoder, slices.check)
    best = (np.inf, 0)
    for share in WINDOWS:
        window = int(len(slices.fit) * share)
        if window < MIN_WINDOW and best[1]:
            break
        labels = slices.fit.label[-window:]
        regression = logistic.fit(definition, [v[-window:] for v in vectors], labels)
        scores = 1 / (1 + np.exp(-_margins(regression, later)))
        loss = float(losses(scores, slices.check.label).mean())
        if loss < best[0] * _BETTER:
            best = (loss, window)
    return best[1]


def _fitted(definition: Definition, rows: Rows, check: Rows, growth: Growth) -> tuple[Trained, int]:
    """The model of the rows; later rows determine the number of trees and the calibration."""
    encoder = _encoder(definition, rows)
    vectors, later = _vectors(encoder, rows), _vectors(encoder, check)
    regression = logistic.fit(definition, vectors, rows.label)
    start = _margins(regression, later)
    learn = (trees.matrix(vectors), _margins(regression, vectors), rows.label)
    booster = trees.grow(definition, growth, learn, (trees.matrix(later), start, check.label))
    grown = trees.margins(booster, trees.matrix(later), start)
    fallback = Fallback("", encoder, regression, logistic.calibrate(start, check.label))
    calibration = logistic.calibrate(grown, check.label)
    trained = Trained(fallback, booster, calibration, {}, rows.values)
    return trained, booster.num_boosted_rounds()


def _encoder(definition: Definition, rows: Rows) -> Encoder:
    historian = Historian(definition)
    for columns in rows.chunks():
        historian.add(columns)
    return Encoder(definition, historian.history())


def _vectors(encoder: Encoder, rows: Rows) -> list[Floats]:
    vectors = [np.empty(len(rows)) for _ in encoder.definition.features]
    first = 0
    for columns in rows.chunks():
        for vector, values in zip(vectors, encoder.encode(columns), strict=True):
            vector[first : first + len(values)] = values
        first += len(values)
    return vectors


def _margins(regression: Logistic, vectors: Sequence[Floats]) -> Floats:
    """Log odds by the lines that score everywhere."""
    margins = np.empty(len(vectors[0]))
    for first in range(0, len(margins), 65_536):
        part = slice(first, first + 65_536)
        margins[part] = regression.margins([_array(v[part]) for v in vectors])
    return margins


def _array(values: Floats) -> Any:
    return values.tolist()


def score(model: Trained, rows: Rows) -> tuple[Floats, Floats]:
    """Scores of the model and of its fallback."""
    scores: list[float] = []
    fallback: list[float] = []
    for columns in rows.chunks():
        scores += model.scores(columns)
        fallback += model.fallback.scores(columns)
    return np.array(scores), np.array(fallback)


def reference(model: Trained, slices: Slices) -> Reference:
    """Histograms of the rows that the model has learned from: of some, evenly spread."""
    window = slices.fit[len(slices.fit) - int(model.metadata["window_rows"]) :]
    sample: dict[str, list[Any]] = {}
    for rows in (window, slices.check):
        some = rows[:: -(-(len(window) + len(slices.check)) // REFERENCE_ROWS)]
        label = {model.definition.label: [str(v).lower() for v in some.label.tolist()]}
        for columns in (*some.chunks(), label):
            for name, values in columns.items():
                sample.setdefault(name, []).extend(values)
    return Reference.of(model.fallback, sample)


def libraries() -> dict[str, str]:
    """Versions of what a model's bytes depend on."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "xgboost": xgb.__version__,
    }


def _digest(model: Trained, metadata: dict[str, Any]) -> str:
    digest = hashlib.sha256(bytes(model.booster.save_raw("ubj")))
    digest.update(json.dumps([model.fallback.to_json(), metadata], sort_keys=True).encode())
    return digest.hexdigest()[:12]


def run(channel: Path, root: Path, model_dir: Path, output: Path, settings: Settings) -> int:
    """The whole job; returns its exit status. `root` holds the code and its definition.json."""
    definition = Definition.from_json(json.loads((root / "definition.json").read_text("utf-8")))
    reading = read(channel, definition, settings.within, settings.rows)
    output.mkdir(parents=True, exist_ok=True)
    try:
        model, slices = train(reading.rows, definition, settings)
    except NotTrained as error:
        return _no_model(error, reading, model_dir, output)
    scores, fallback = score(model, slices.test)
    metrics: dict[str, dict[str, Any]] = {
        "model": figures(scores, slices.test.label).to_json(),
        "fallback": figures(fallback, slices.test.label).to_json(),
        "rows": reading.counts(),
    }
    within = settings.within.to_json()
    metadata = {**model.metadata, "status": "trained", "rows": reading.counts(), "range": within}
    metadata["sample"] = {"recent": reading.sample.recent, "share": reading.sample.share}
    replace(model, metadata=metadata).save(model_dir)
    write_json(model_dir / METRICS, metrics)
    write_json(model_dir / REFERENCE, reference(model, slices).to_json())
    _predictions(output / "predictions.csv", slices.test, scores, fallback)
    copy_code(root, model_dir / "code")
    result = {"status": "trained", "model_version": model.version, "metrics": metrics}
    write_json(output / RESULT, result)
    result = metrics["model"]
    print(f"log_loss={result['log_loss']:.6f} auc={result['auc']:.6f} rows={result['rows']}")
    return 0


def _no_model(error: NotTrained, reading: Reading, model_dir: Path, output: Path) -> int:
    result = {"status": error.status, "reason": str(error), "rows": reading.counts()}
    model_dir.mkdir(parents=True, exist_ok=True)
    for folder in {model_dir, output}:
        write_json(folder / RESULT, result)
    print(f"{error.status}: {error}", file=sys.stderr)
    return 0


def _predictions(path: Path, rows: Rows, scores: Floats, fallback: Floats) -> None:
    columns = (rows.time, rows.label.astype(int), scores, fallback)
    with path.open("w", encoding="utf-8") as out:
        out.write("time,label,score,fallback_score\n")
        for row in zip(*(c.tolist() for c in columns), strict=True):
            out.write("{},{},{!r},{!r}\n".format(*row))


def copy_code(root: Path, folder: Path) -> None:
    """A model includes the code that predicts with it: a rolled-back one has its own."""
    names = [
        *root.glob("*.py"),
        *(p for part in ("features", "ml") for p in (root / part).rglob("*.py")),
    ]
    for path in [root / "definition.json", *names]:
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads SageMaker's environment and hyperparameters; unknown ones are ignored."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="start", default="", help="RFC 3339 or epoch ms")
    parser.add_argument("--to", dest="end", default="", help="RFC 3339 or epoch ms; not included")
    parser.add_argument("--version", default="", help="names the model")
    parser.add_argument("--training-rows", type=int, default=ROWS, help="at most: a sample of more")
    parser.add_argument("--shuffle-labels", default="false", choices=["true", "false"])
    for name, kind in (("seed", int), ("rounds", int), ("depth", int), ("rate", float)):
        parser.add_argument(f"--{name}", type=kind, default=getattr(Growth(), name))
    options, _ = parser.parse_known_args(arguments)
    growth = Growth(options.rounds, options.depth, options.rate, seed=options.seed)
    within = Range.parse(options.start, options.end)
    settings = Settings(
        within, options.version, options.shuffle_labels == "true", growth, options.training_rows
    )
    model_dir = Path(os.environ["SM_MODEL_DIR"])
    output = Path(os.environ.get("SM_OUTPUT_DATA_DIR", model_dir))
    root = Path(__file__).resolve().parent.parent
    return run(Path(os.environ["SM_CHANNEL_TRAIN"]), root, model_dir, output, settings)


if __name__ == "__main__":
    raise SystemExit(main())
