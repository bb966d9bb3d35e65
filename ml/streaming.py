"""A model's graph scored as streams do it: by ONNX Runtime, and compared with the model itself.

Streams use the same version of ONNX Runtime in Java (analytics_app/jvm, sdp.scores).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from features.definition import Definition
from features.encoding import Columns, text
from ml.artifact import Trained
from ml.errors import JobError
from ml.rows import Rows
from ml.texts import escaped

OUTPUT = "score"
Floats = npt.NDArray[np.float64]


class GraphError(JobError):
    """ONNX Runtime refuses the graph, or cannot score with it."""


class Graph:
    """A graph that scores, in one thread."""

    def __init__(self, graph: bytes, definition: Definition) -> None:
        """Raises GraphError."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._definition = definition
        try:
            self._session = onnxruntime.InferenceSession(graph, options)
        except Exception as error:  # its errors have no common class
            raise GraphError(_first_line(error)) from error

    def scores(self, columns: Columns) -> Floats:
        """The scores of rows; NaN where there is none. Raises GraphError."""
        feed = {name: self._vector(name, columns) for name in self._definition.columns}
        try:
            return np.asarray(self._session.run([OUTPUT], feed)[0], np.float64)
        except Exception as error:
            raise GraphError(_first_line(error)) from error

    def _vector(self, name: str, columns: Columns) -> npt.NDArray[Any]:
        if name in self._definition.numbers:
            return np.asarray(columns[name], np.float64)
        return np.array([escaped(text(value) or "") for value in columns[name]], object)


def largest_difference(model: Trained, rows: Rows, scores: Floats) -> float:
    """How far a score of the model's graph is from `scores`, its own. Raises GraphError."""
    graph = Graph(model.graph, model.definition)
    found = np.concatenate([graph.scores(columns) for columns in rows.chunks()])
    return float(np.abs(found - scores).max())


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
