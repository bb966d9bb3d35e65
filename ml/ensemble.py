"""Gradient-boosted trees of XGBoost as the attributes of an ONNX tree ensemble.

A split by a number is one node, a split by categories one node for each category of its set: all
lead to the same child, the last one also to the other. ONNX Runtime reads such chains as a set.
Source: XGBoost's JSON model schema; ONNX operator TreeEnsembleRegressor, ai.onnx.ml version 3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper

FIRST = 1
_CATEGORICAL = 1
_LEAF = -1
_NEVER = 0  # no bucket has this number


class _Nodes:
    """The columns of the attributes, one entry per node."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = defaultdict(list)
        self.leaves: dict[str, list[Any]] = defaultdict(list)

    def add(self, tree: int, node: int, mode: str, **values: Any) -> None:
        defaults = {"featureids": 0, "values": 0.0, "truenodeids": 0, "falsenodeids": 0}
        defaults |= {"missing_value_tracks_true": 0}
        entry = {"treeids": tree, "nodeids": node, "modes": mode, **defaults, **values}
        for name, value in entry.items():
            self.columns[name].append(value)

    def leaf(self, tree: int, node: int, weight: float) -> None:
        self.add(tree, node, "LEAF")
        entry = {"treeids": tree, "nodeids": node, "ids": 0, "weights": weight}
        for name, value in entry.items():
            self.leaves[name].append(value)


def ensemble(model: Mapping[str, Any], buckets: Mapping[int, Sequence[int]]) -> dict[str, Any]:
    """The attributes; `model` is XGBoost's JSON, parsed.

    `buckets`: of each categorical feature those that can occur. In the graph they are numbered from
    FIRST on: ONNX Runtime tests small numbers by a mask of bits.
    """
    nodes = _Nodes()
    for number, tree in enumerate(model["learner"]["gradient_booster"]["model"]["trees"]):
        _Tree(nodes, number, tree, buckets).add()
    attributes: dict[str, Any] = {
        "n_targets": 1,
        "aggregate_function": "SUM",
        "post_transform": "NONE",
    }
    for prefix, columns in (("nodes", nodes.columns), ("target", nodes.leaves)):
        for name, values in columns.items():
            attributes[f"{prefix}_{name}"] = values
    for name in ("nodes_values", "target_weights"):
        numbers = attributes.pop(name)
        attributes[f"{name}_as_tensor"] = helper.make_tensor(
            name, TensorProto.DOUBLE, [len(numbers)], numbers
        )
    return attributes


class _Tree:
    """One tree; nodes that its chains need beyond its own follow behind them."""

    def __init__(
        self,
        nodes: _Nodes,
        number: int,
        tree: Mapping[str, Any],
        buckets: Mapping[int, Sequence[int]],
    ) -> None:
        self._nodes, self._number, self._tree, self._buckets = nodes, number, tree, buckets
        self._sets = _sets(tree)
        self._size = len(tree["left_children"])

    def add(self) -> None:
        """Adds all nodes."""
        for node, left in enumerate(self._tree["left_children"]):
            if left == _LEAF:
                weight = float(np.float32(self._tree["split_conditions"][node]))
                self._nodes.leaf(self._number, node, weight)
            elif self._tree["split_type"][node] == _CATEGORICAL:
                self._by_categories(node)
            else:
                self._by_number(node)

    def _by_number(self, node: int) -> None:
        tree = self._tree
        self._nodes.add(
            self._number,
            node,
            "BRANCH_LT",
            featureids=tree["split_indices"][node],
            values=float(np.float32(tree["split_conditions"][node])),
            truenodeids=tree["left_children"][node],
            falsenodeids=tree["right_children"][node],
            missing_value_tracks_true=int(tree["default_left"][node]),
        )

    def _by_categories(self, node: int) -> None:
        """What is in the set goes to the right. The smaller side is tested, the other is the rest.

        A test that is never true is needed where one side can have nothing.
        """
        tree, right = self._tree, self._sets[node]
        feature = tree["split_indices"][node]
        numbered = list(enumerate(self._buckets[feature], FIRST))
        inside = [number for number, bucket in numbered if bucket in right]
        outside = [number for number, bucket in numbered if bucket not in right]
        sides = ("right_children", "left_children")
        if len(outside) < len(inside):
            inside, sides = outside, (sides[1], sides[0])
        inside = inside or [_NEVER]
        target, rest = (tree[side][node] for side in sides)
        tracks_true = int(tree["default_left"][node]) == int(target == tree["left_children"][node])
        chain = [node, *range(self._size, self._size + len(inside) - 1)]
        self._size += len(chain) - 1
        for place, following, number in zip(chain, [*chain[1:], rest], inside, strict=True):
            self._nodes.add(
                self._number,
                place,
                "BRANCH_EQ",
                featureids=feature,
                values=float(number),
                truenodeids=target,
                falsenodeids=following,
                missing_value_tracks_true=int(tracks_true),
            )


def _sets(tree: Mapping[str, Any]) -> dict[int, frozenset[int]]:
    """The categories that go to the right, by node."""
    segments = zip(
        tree["categories_nodes"],
        tree["categories_segments"],
        tree["categories_sizes"],
        strict=True,
    )
    return {
        node: frozenset(tree["categories"][start : start + size]) for node, start, size in segments
    }
