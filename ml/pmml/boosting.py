"""A tree of a PMML file as the one tree of an XGBoost ensemble.

Source: XGBoost's JSON model schema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xgboost as xgb

from features.definition import Definition, Hashed
from ml.pmml.reading import Branch, Split

Json = dict[str, Any]


def no_tree(definition: Definition) -> xgb.Booster:
    """An ensemble that adds nothing."""
    nodes = _Nodes()
    nodes.leaf()
    return _booster(definition, nodes)


def one_tree(
    definition: Definition,
    root: Split,
    positions: Mapping[str, int],
    leaf: Callable[[float], float],
) -> xgb.Booster:
    """The tree: what it adds to the log odds of a row is `leaf` of the leaf's probability.

    `positions` are those of the fields among the definition's features.
    """
    nodes = _Nodes()
    open_: list[tuple[Branch, int]] = [(root, nodes.leaf())]
    while open_:
        branch, node = open_.pop()
        if isinstance(branch, Split):
            below, above = nodes.split(
                node, positions[branch.field.name], _limit(branch.value, branch.included)
            )
            open_ += [(branch.below, below), (branch.above, above)]
        else:
            nodes.conditions[node] = float(np.float32(leaf(branch)))
    return _booster(definition, nodes)


def _limit(value: float, included: bool) -> float:
    """The single-precision number c for which x < c is the same as x < value, or x <= value."""
    single = np.float32(value)
    if single < value or (included and single == value):
        single = np.nextafter(single, np.float32(np.inf))
    return float(single)


def _booster(definition: Definition, nodes: _Nodes) -> xgb.Booster:
    """An ensemble of XGBoost's own making with this tree instead of its own."""
    features = definition.features
    data = xgb.DMatrix(
        np.zeros((2, len(features)), np.float32),
        label=[0, 1],
        base_margin=[0.0, 0.0],
        feature_names=[f.name for f in features],
        feature_types=["c" if isinstance(f, Hashed) else "q" for f in features],
        enable_categorical=True,
        nthread=1,
    )
    options = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1}
    document: Json = json.loads(xgb.train(options, data, 1).save_raw("json"))
    ensemble = document["learner"]["gradient_booster"]["model"]
    ensemble["trees"] = [nodes.to_json(len(features))]
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(bytearray(json.dumps(document).encode()))
    return booster


class _Nodes:
    """The nodes of a tree, one list for each of XGBoost's attributes."""

    _NONE = 2_147_483_647  # the parent of the root

    def __init__(self) -> None:
        self._left: list[int] = []
        self._right: list[int] = []
        self._parents: list[int] = []
        self._indices: list[int] = []
        self.conditions: list[float] = []

    def leaf(self, parent: int = _NONE) -> int:
        """Adds a leaf of 0; its number."""
        self._left.append(-1)
        self._right.append(-1)
        self._parents.append(parent)
        self._indices.append(0)
        self.conditions.append(0.0)
        return len(self._left) - 1

    def split(self, node: int, feature: int, limit: float) -> tuple[int, int]:
        """Makes a leaf a split; the numbers of its two new leaves, which follow each other."""
        self._left[node], self._right[node] = self.leaf(node), self.leaf(node)
        self._indices[node], self.conditions[node] = feature, limit
        return self._left[node], self._right[node]

    def to_json(self, features: int) -> Json:
        """The tree as XGBoost's."""
        count = len(self._left)
        return {
            "id": 0,
            "tree_param": {
                "num_deleted": "0",
                "num_feature": str(features),
                "num_nodes": str(count),
                "size_leaf_vector": "1",
            },
            "left_children": self._left,
            "right_children": self._right,
            "parents": self._parents,
            "split_indices": self._indices,
            "split_conditions": self.conditions,
            "base_weights": [0.0] * count,
            "loss_changes": [0.0] * count,
            "sum_hessian": [1.0] * count,
            "default_left": [0] * count,
            "split_type": [0] * count,
            **{f"categories{end}": [] for end in ("", "_nodes", "_segments", "_sizes")},
        }
