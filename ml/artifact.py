"""A trained model and its folder: what training writes, and endpoint and gate read.

    model.ubj      the trees
    model.onnx     all of it as an ONNX graph, for streams
    fallback.json  definition, history, the logistic regression and its calibration: predicts alone
    metadata.json  version, range, rows, seed, libraries, the trees' calibration
    metrics.json   figures on the rows held out, of trees and fallback
    reference.json histograms of the training rows, to detect drift

An invalid folder raises ArtifactError with the reason. An import that could not be translated has
`refused.json` instead, which says why: RefusedError.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from features.archives import LARGEST, UNREADABLE, whole
from features.definition import Definition
from features.encoding import Columns, request_columns
from features.scoring import Calibration, Fallback, Prediction, predictions
from ml import trees
from ml.errors import JobError

TREES, FALLBACK, METADATA, METRICS = "model.ubj", "fallback.json", "metadata.json", "metrics.json"
REFERENCE, GRAPH, REFUSAL = "reference.json", "model.onnx", "refused.json"
ARCHIVE = "model.tar.gz"
Floats = npt.NDArray[np.float64]


class ArtifactError(JobError):
    """The model is missing or cannot be used."""


class RefusedError(ArtifactError):
    """There is no model, but the reason why: whoever made the folder could not translate it."""


@dataclass(frozen=True)
class Trained:
    """A model that predicts. `metadata` is plain JSON.

    `values`: of a model that has just been trained, the texts of each category in its rows.
    `graph`: of one that was loaded, its ONNX graph; empty if it has none.
    """

    fallback: Fallback
    booster: xgb.Booster
    calibration: Calibration
    metadata: Mapping[str, Any]
    values: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    graph: bytes = field(default=b"", repr=False)

    @property
    def version(self) -> str:
        """The version in every response."""
        return self.fallback.version

    @property
    def definition(self) -> Definition:
        """Its input features."""
        return self.fallback.encoder.definition

    @property
    def fitted_through(self) -> int:
        """Time of the newest training row, calibration included; epoch ms."""
        return int(self.metadata["fitted_through_ms"])

    def margins(self, columns: Columns) -> Floats:
        """Log odds, before calibration."""
        vectors = self.fallback.encoder.encode(columns)
        start = np.asarray(self.fallback.logistic.margins(vectors))
        return trees.margins(self.booster, trees.matrix(vectors), start)

    def scores(self, columns: Columns) -> list[float]:
        """Probabilities, 0 to 1."""
        return self.calibration.probabilities(self.margins(columns).tolist())

    def predict(self, instances: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """A prediction per request. Raises InstanceError for an invalid one."""
        if not instances:
            return []
        columns = request_columns(self.definition, instances)
        return predictions(self.scores(columns), self.fallback.encoder.unseen(columns))

    def save(self, folder: Path) -> None:
        """Writes the folder's files, but for the metrics."""
        from ml.graph import graph  # the endpoint, which reads this module too, has no onnx

        folder.mkdir(parents=True, exist_ok=True)
        (folder / GRAPH).write_bytes(graph(self).SerializeToString(deterministic=True))
        self.booster.save_model(folder / TREES)
        metadata = {
            **self.metadata,
            "model_version": self.version,
            "calibration": {
                "slope": self.calibration.slope,
                "intercept": self.calibration.intercept,
            },
        }
        write_json(folder / FALLBACK, self.fallback.to_json())
        write_json(folder / METADATA, metadata)

    @classmethod
    def load(cls, folder: Path) -> Trained:
        """The model of a folder."""
        _check_translated(folder)
        try:
            fallback = Fallback.from_json(_json(folder / FALLBACK))
            metadata = _json(folder / METADATA)
            booster = xgb.Booster({"nthread": 1})
            booster.load_model(folder / TREES)
            calibration = Calibration(**metadata["calibration"])
            int(metadata["fitted_through_ms"])
            graph = (folder / GRAPH).read_bytes() if (folder / GRAPH).exists() else b""
        except (OSError, ValueError, KeyError, TypeError, xgb.core.XGBoostError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ArtifactError(f"{type(error).__name__}: {lines[0][:300]}") from error
        return cls(fallback, booster, calibration, metadata, graph=graph)


def _check_translated(folder: Path) -> None:
    """Raises RefusedError with the reason that the folder has instead of a model."""
    if not (folder / REFUSAL).is_file():
        return
    try:
        reason = str(_json(folder / REFUSAL)["reason"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{REFUSAL}: {type(error).__name__}: {error}") from error
    raise RefusedError(reason)


def unpack(archive: Path, folder: Path) -> Path:
    """The files of a model.tar.gz, into an empty folder; only plain ones, none from outside.

    Raises ArtifactError if it is missing, truncated, damaged, not an archive, or far too large.
    """
    try:
        with whole(archive) as tar:
            for member in _plain(tar):
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                target.write_bytes(content.read() if content else b"")
    except (*UNREADABLE, ValueError) as error:
        raise ArtifactError(f"{archive.name} is not a model archive: {error}") from error
    return folder


def _plain(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    total = 0
    for member in tar:
        path = Path(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise ArtifactError(f"{member.name!r} points outside of the archive")
        total += member.size
        if total > LARGEST:
            raise ArtifactError(f"more than {LARGEST} bytes")
        if member.isfile():
            yield member


def write_json(path: Path, value: Any) -> None:
    """Serializes: equal values give equal bytes."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", "utf-8")


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
