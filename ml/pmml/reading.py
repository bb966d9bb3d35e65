"""The model of a PMML file: a logistic regression, or a decision tree with two classes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ml.pmml.elements import Element, PmmlError, UnreadableError, parse
from ml.pmml.fields import Field, Fields

_TRUE, _FALSE = {"1", "1.0", "true", "True"}, {"0", "0.0", "false", "False"}
_DESCRIBED = ("modelName", "algorithmName", "targetFieldName")
_MODELS = ("RegressionModel", "TreeModel")
_LARGE = 1e8  # of log odds that a sum cannot take without losing what 1e-6 of a score needs


@dataclass(frozen=True)
class Regression:
    """log odds = intercept + coefficient × number + what a category's value adds.

    `kinds` has the type of each field in the file.
    """

    intercept: float
    numbers: Mapping[str, float]
    categories: Mapping[str, Mapping[str, float]]
    kinds: Mapping[str, str]


@dataclass(frozen=True)
class Split:
    """Below a number (or at it, if `included`) one branch, else the other."""

    field: Field
    value: float
    included: bool
    below: Branch
    above: Branch


Branch = Split | float
"""A split, or the probability of a leaf."""


@dataclass(frozen=True)
class Tree:
    """A decision tree; `share` is the probability at its root."""

    root: Split
    share: float


def document(content: bytes) -> Element:
    """The first element of a file that is PMML. Raises UnreadableError."""
    root = parse(content)
    if root.tag != "PMML":
        raise UnreadableError(f"the file begins with {root.tag[:100]}, not with PMML 4")
    return root


def read(content: bytes) -> Regression | Tree:
    """The model of a file. Raises PmmlError with what is wrong with it, or cannot be exact."""
    root = document(content)
    root.only(("DataDictionary", "TransformationDictionary", *_MODELS))
    models = [child for child in root.children if child.tag in _MODELS]
    if len(models) != 1:
        raise PmmlError(f"the file has {len(models)} models; one {' or '.join(_MODELS)} is needed")
    (model,) = models
    fields = Fields(root, model)
    return (_regression if model.tag == "RegressionModel" else _tree)(model, fields)


# regression ---------------------------------------------------------------------------------------


def _regression(model: Element, fields: Fields) -> Regression:
    model.only(
        ("MiningSchema", "RegressionTable", "LocalTransformations"),
        {
            **dict.fromkeys(_DESCRIBED),
            "functionName": ("classification",),
            "modelType": ("logisticRegression",),
            "normalizationMethod": ("logit",),
            "isScorable": ("true",),
        },
    )
    if model.attributes.get("normalizationMethod") != "logit":
        raise PmmlError(f"{model}: normalizationMethod must be 'logit', for a probability")
    tables = model.all("RegressionTable")
    won = _category(table.attribute("targetCategory") for table in tables)
    first, last = tables
    if last.parts or last.number("intercept"):
        raise PmmlError("RegressionTable: the second one must be empty, with an intercept of 0")
    is_won = first.attribute("targetCategory") == won
    return _table(first, fields, 1.0 if is_won else -1.0)


def _table(table: Element, fields: Fields, sign: float) -> Regression:
    """The terms; `sign` is -1 where they are those of the other category."""
    table.only(
        ("NumericPredictor", "CategoricalPredictor"), {"intercept": None, "targetCategory": None}
    )
    intercept = sign * table.number("intercept")
    numbers: dict[str, float] = {}
    categories: dict[str, dict[str, float]] = {}
    kinds: dict[str, str] = {}
    for term in table.all("NumericPredictor"):
        field, weight = _numeric(term, fields)
        kinds[field.name] = field.kind
        numbers[field.name] = numbers.get(field.name, 0.0) + sign * weight * field.slope
        intercept += sign * weight * field.offset
    for term in table.all("CategoricalPredictor"):
        term.only((), {"name": None, "value": None, "coefficient": None})
        name, value = term.attribute("name"), term.attribute("value")
        kinds[name] = fields[name].kind
        values = categories.setdefault(name, {})
        values[value] = values.get(value, 0.0) + sign * term.number("coefficient")
    if both := sorted(numbers.keys() & categories.keys()):
        raise PmmlError(f"RegressionTable: {both} are used as numbers and as categories")
    if not kinds:
        raise PmmlError("RegressionTable: it has no predictor")
    return Regression(intercept, numbers, categories, kinds)


def _numeric(term: Element, fields: Fields) -> tuple[Field, float]:
    """The field of a term, and its coefficient."""
    term.only((), {"name": None, "exponent": ("1", "1.0"), "coefficient": None})
    field, weight = fields[term.attribute("name")], term.number("coefficient")
    if field.single:
        raise PmmlError(
            f"{term}: the field {field.name} is rounded to single precision before it is used;"
            " export it as double"
        )
    if field.kind == "string":
        raise PmmlError(f"{term}: the field {field.name} is a text")
    if abs(weight * field.offset) > _LARGE:
        raise PmmlError(f"{term}: scaled by so much, its sum is not exact")
    return field, weight


# tree ---------------------------------------------------------------------------------------------


def _tree(model: Element, fields: Fields) -> Tree:
    model.only(
        ("MiningSchema", "Node", "LocalTransformations"),
        {
            **dict.fromkeys((*_DESCRIBED, "splitCharacteristic", "missingValuePenalty")),
            "functionName": ("classification",),
            "missingValueStrategy": ("none", "nullPrediction"),
            "noTrueChildStrategy": ("returnNullPrediction", "returnLastPrediction"),
            "x-mathContext": ("float",),
            "isScorable": ("true",),
        },
    )
    strategy = model.attributes.get("noTrueChildStrategy", "returnNullPrediction")
    root = model.one("Node")
    _check(root)
    if not root.all("True"):
        raise PmmlError(f"{root}: the root's predicate must be True")
    share = _share(root) if root.all("ScoreDistribution") else 0.5
    branch = _branch(root, fields, strategy == "returnLastPrediction")
    if not isinstance(branch, Split):
        raise PmmlError("TreeModel: it has no split")
    return Tree(branch, share)


_PREDICATES = ("SimplePredicate", "True")
_BELOW = {"lessThan": False, "lessOrEqual": True}
_ABOVE = {"greaterOrEqual": False, "greaterThan": True}


def _check(node: Element) -> None:
    node.only(
        (*_PREDICATES, "Node", "ScoreDistribution"),
        {"id": None, "score": None, "recordCount": None},
    )


def _branch(node: Element, fields: Fields, stays: bool) -> Branch:
    """What is in a node: the first child whose predicate is true, or the node itself."""
    children = node.all("Node")
    if not children:
        return _share(node)
    for child in children:
        _check(child)
    rest: Branch | None = None
    for child in reversed(children):
        inside = _branch(child, fields, stays)
        if child.all("True") or (rest is None and _is_complement(children, fields)):
            rest = inside
            continue
        if rest is None and not stays:
            raise PmmlError(f"{node}: there are values for which no child is true, so no score")
        outside = _share(node) if rest is None else rest
        test, is_below = _test(child, fields)
        rest = Split(*test, *((inside, outside) if is_below else (outside, inside)))
    assert rest is not None
    return rest


_Test = tuple[Field, float, bool]


def _test(node: Element, fields: Fields) -> tuple[_Test, bool]:
    """Field, number, whether it is included below; and whether the node is what is below."""
    predicate = node.one("SimplePredicate")
    predicate.only((), {"field": None, "operator": (*_BELOW, *_ABOVE), "value": None})
    field, operator = fields[predicate.attribute("field")], predicate.attribute("operator")
    if not field.is_plain or field.kind == "string":
        raise PmmlError(f"{predicate}: trees are evaluated with numbers as they are")
    value = predicate.number("value")
    if field.single:
        value = _rounded(value, predicate)
    return (field, value, (_BELOW | _ABOVE)[operator]), operator in _BELOW


def _rounded(value: float, predicate: Element) -> float:
    """A limit in the field's own precision, in which 0.1 is not less than 0.1."""
    try:
        (single,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError as error:
        raise PmmlError(f"{predicate}: {value:g} is too large for its field") from error
    return float(single)


def _is_complement(children: list[Element], fields: Fields) -> bool:
    """Whether the last child has all that the one before it has not."""
    if len(children) < 2 or children[-2].all("True"):
        return False
    (before, before_is_below), (last, is_below) = (_test(c, fields) for c in children[-2:])
    return before == last and before_is_below is not is_below


def _share(node: Element) -> float:
    """The probability of the label at a node."""
    counts: dict[str, float] = {}
    for each in node.all("ScoreDistribution"):
        each.only((), dict.fromkeys(("value", "recordCount", "confidence", "probability")))
        name = "probability" if "probability" in each.attributes else "recordCount"
        counts[each.attribute("value")] = each.number(name)
    total = sum(counts.values())
    if not total > 0 or min(counts.values()) < 0:
        raise PmmlError(f"{node} has no ScoreDistribution with the number of each category")
    return counts[_category(counts)] / total


# both ---------------------------------------------------------------------------------------------


def _category(categories: Iterable[str]) -> str:
    """The name of the label that is true, of two."""
    names = list(categories)
    won = set(names) & _TRUE
    if len(names) != 2 or len(won) != 1 or not set(names) - won <= _FALSE:
        raise PmmlError(f"the categories are {names}; they must be 0 and 1, or false and true")
    return won.pop()
