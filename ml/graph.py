"""A model as an ONNX graph: what scores rows in a stream, without any code of ours.

    inputs   one per column of the definition: a category is text ("" where absent; in the form of
             `ml.texts`), a number double
    output   `score`, a double per row; NaN where a number is missing, or is negative and must not
             be (`Definition.unsigned`)

The graph has everything in it: the categories' values with their buckets and weights, what is
typical of groups, the trees, the calibration. Numbers are computed in double precision, and rounded
to single where the trees' own library does (what trees split by, and the log odds they start from).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from features.definition import Feature, Hashed, Log, Numeric, Relative
from features.encoding import fingerprint
from ml.artifact import Trained
from ml.ensemble import FIRST, ensemble
from ml.texts import escaped

OUTPUT = "score"
OPSET, ML_OPSET, IR = 17, 3, 8
_ML = "ai.onnx.ml"
_SINGLE = float(np.finfo(np.float32).max)
Values = Mapping[str, Sequence[str]]


def graph(model: Trained) -> onnx.ModelProto:
    """The graph of a model that has just been trained: `values` is not in its files."""
    built = _Graph(model, model.values)
    score = built.score()
    proto = helper.make_model(
        helper.make_graph(built.nodes, "model", built.inputs, [score], built.tables),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(_ML, ML_OPSET)],
        ir_version=IR,
        producer_name="sdp",
    )
    helper.set_model_props(
        proto, {"model_version": model.version, "definition": model.definition.name}
    )
    onnx.checker.check_model(proto)
    return proto


class _Graph:
    """Nodes and tables, as they are added."""

    def __init__(self, model: Trained, values: Values) -> None:
        self._model, self._history = model, model.fallback.encoder.history
        self._seen = {
            column: [text for text in values[column] if fingerprint(text) in known]
            for column, known in self._history.seen.items()
        }
        self.nodes: list[onnx.NodeProto] = []
        self.tables: list[onnx.TensorProto] = []
        definition = model.definition
        self.inputs = [
            helper.make_tensor_value_info(
                column,
                TensorProto.DOUBLE if column in definition.numbers else TensorProto.STRING,
                ["rows"],
            )
            for column in definition.columns
        ]

    def score(self) -> onnx.ValueInfoProto:
        """Adds all nodes; returns the output."""
        self._positions()
        columns = [self._column(f) for f in self._model.definition.features]
        start = self._single(self._regression(columns))
        margin = self._node("Add", self._double(start), self._trees(columns))
        calibration = self._model.calibration
        scaled = self._node("Mul", margin, self._constant(calibration.slope))
        shifted = self._node("Add", scaled, self._constant(calibration.intercept))
        probability = self._node("Sigmoid", shifted)
        self._node("Where", self._valid(), probability, self._constant(np.nan), output=OUTPUT)
        return helper.make_tensor_value_info(OUTPUT, TensorProto.DOUBLE, ["rows"])

    # --- columns ------------------------------------------------------------------------------

    def _positions(self) -> None:
        """The position of each category's text in its tables; the last one is for all others."""
        for column, texts in self._seen.items():
            if texts:
                positions = list(range(len(texts)))
                self._node(
                    "LabelEncoder",
                    column,
                    output=f"{column}_position",
                    domain=_ML,
                    keys_strings=[escaped(text) for text in texts],
                    values_int64s=positions,
                    default_int64=len(texts),
                )
            else:  # an encoder needs a key; nothing has been seen, so every text is another
                shape = self._node("Shape", column)
                zero = helper.make_tensor("zero", TensorProto.INT64, [1], [0])
                self._node("ConstantOfShape", shape, output=f"{column}_position", value=zero)

    def _column(self, feature: Feature) -> str:
        """What the feature is of each row: the number of its bucket, or the value itself."""
        match feature:
            case Hashed(column=column):
                numbers = {bucket: n for n, bucket in enumerate(self._buckets(feature), FIRST)}
                known = [float(numbers[_bucket(feature, text)]) for text in self._seen[column]]
                return self._lookup(column, np.array([*known, np.nan]))
            case Numeric(column=column):
                return column
            case Log(column=column):
                return self._log(column)
            case Relative(column=column, to=to):
                means = self._history.typical[feature.name]
                typical = [means.get(t, means[None]) for t in self._seen[to]]
                table = np.array([*typical, means[None]])
                return self._node("Sub", self._log(column), self._lookup(to, table))

    def _buckets(self, feature: Hashed) -> list[int]:
        """The buckets that values were seen in."""
        return sorted({_bucket(feature, text) for text in self._seen[feature.column]})

    def _log(self, column: str) -> str:
        return self._node("Log", self._node("Add", column, self._constant(1.0)))

    def _valid(self) -> str:
        """Whether every number is there, and not negative where a feature is its logarithm."""
        definition = self._model.definition
        numbers = definition.numbers
        if not numbers:
            texts = next(iter(self._seen))
            return self._node("Equal", f"{texts}_position", f"{texts}_position")
        valid = [  # NaN equals nothing, not even itself
            self._node("GreaterOrEqual", number, self._constant(0.0))
            if number in definition.unsigned
            else self._node("Equal", number, number)
            for number in numbers
        ]
        while len(valid) > 1:
            valid.append(self._node("And", valid.pop(), valid.pop()))
        return valid[0]

    # --- the parts of the model ---------------------------------------------------------------

    def _regression(self, columns: Sequence[str]) -> str:
        """Log odds, summed in the order of `features.scoring.Logistic`."""
        logistic = self._model.fallback.logistic
        total = self._constant(logistic.intercept)
        parts = zip(self._model.definition.features, columns, logistic.weights, strict=True)
        for feature, column, weight in parts:
            if isinstance(feature, Hashed):
                assert isinstance(weight, Mapping), "a hashed feature has a weight per bucket"
                term = self._lookup(feature.column, self._weights(feature, weight))
            else:
                term = self._node("Mul", column, self._constant(float(weight)))  # type: ignore[arg-type]
            total = self._node("Add", total, term)
        return total

    def _weights(self, feature: Hashed, weights: Mapping[float, float]) -> npt.NDArray[np.float64]:
        texts = self._seen[feature.column]
        known = [weights.get(float(_bucket(feature, text)), 0.0) for text in texts]
        return np.array([*known, 0.0])

    def _trees(self, columns: Sequence[str]) -> str:
        """What the trees add to the log odds."""
        axis = self._table(np.array([1], np.int64))
        split_by = [
            self._node("Unsqueeze", self._double(self._single(column)), axis) for column in columns
        ]
        rows = self._node("Concat", *split_by, axis=1)
        buckets = {
            number: self._buckets(feature)
            for number, feature in enumerate(self._model.definition.features)
            if isinstance(feature, Hashed)
        }
        attributes = ensemble(json.loads(self._model.booster.save_raw("json")), buckets)
        sums = self._node("TreeEnsembleRegressor", rows, domain=_ML, **attributes)
        # Its output is single precision, whatever it was computed in.
        return self._double(self._node("Reshape", sums, self._table(np.array([-1], np.int64))))

    # --- nodes --------------------------------------------------------------------------------

    def _lookup(self, column: str, table: npt.NDArray[np.float64]) -> str:
        return self._node("Gather", self._table(table), f"{column}_position")

    def _single(self, column: str) -> str:
        """Single precision; what is beyond it becomes its largest."""
        bounds = (self._constant(-_SINGLE), self._constant(_SINGLE))
        return self._node("Cast", self._node("Clip", column, *bounds), to=TensorProto.FLOAT)

    def _double(self, column: str) -> str:
        return self._node("Cast", column, to=TensorProto.DOUBLE)

    def _constant(self, value: float) -> str:
        return self._table(np.array(value, np.float64))

    def _table(self, array: npt.NDArray[Any]) -> str:
        name = f"table_{len(self.tables)}"
        self.tables.append(numpy_helper.from_array(array, name))
        return name

    def _node(
        self, kind: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any
    ) -> str:
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(kind, list(inputs), [name], name, domain=domain, **attributes)
        )
        return name


def _bucket(feature: Hashed, text: str) -> int:
    return fingerprint(text) % feature.buckets
