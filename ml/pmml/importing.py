"""What training writes, but for the rows, of the model of a PMML file.

A regression is the logistic regression that every model starts from, a tree the one tree of its
ensemble; so endpoint, fallback, gate and streams use it as any other. It has a definition of its
own: the use case's, with the fields of the file as features.
"""

from __future__ import annotations

import hashlib
import math
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import xgboost as xgb

from features.definition import Definition, Feature, Hashed, Numeric
from features.encoding import Encoder, History, fingerprint
from features.scoring import Calibration, Fallback, Logistic
from glue import UseCase
from glue.models import Model
from glue.types import Integer
from ml import package
from ml.artifact import ARCHIVE, METRICS, Trained, write_json
from ml.pmml.boosting import no_tree, one_tree
from ml.pmml.elements import PmmlError
from ml.pmml.reading import Branch, Regression, Split, Tree, read
from ml.rows import instant
from ml.train import copy_code, libraries

BUCKETS = range(64, 65_537)
_CERTAIN = 30.0  # log odds of a leaf whose rows all have one label: 1e-13 from it
_START = 15.0  # at most, so that single precision has the sum with a leaf's
_EXACT = 1 << 24  # whole numbers up to this are exact in single precision


def model(content: bytes, declared: Model, fitted_through: int, version: str) -> Trained:
    """The model of a PMML file.

    `declared` is the use case's own, `fitted_through` the time of the newest row that the file
    was fitted to (epoch ms): the gate judges by later rows alone. Raises PmmlError with the reason
    why it cannot be evaluated exactly, or may not: a score that falls where it must not.
    """
    found = read(content)
    make = _regression if isinstance(found, Regression) else _tree
    made = make(found, declared)  # type: ignore[arg-type]
    metadata = {
        "definition": declared.name,
        "imported": {"form": "PMML", "sha256": hashlib.sha256(content).hexdigest()},
        "rounds": made.booster.num_boosted_rounds(),
        "fitted_through": instant(fitted_through),
        "fitted_through_ms": fitted_through,
        "hyperparameters": {},
        "libraries": libraries(),
        "status": "imported",
    }
    return replace(made, fallback=replace(made.fallback, version=version), metadata=metadata)


def _columns(names: Iterable[str], definition: Definition) -> dict[str, str]:
    """The column of each field that is used: it is called so there, or in a request."""
    known = {i.request: i.column for i in definition.inputs}
    known |= {i.column: i.column for i in definition.inputs}
    columns: dict[str, str] = {}
    for name in names:
        if name not in known:
            raise PmmlError(
                f"the field {name} is not known when a prediction is made; known: {sorted(known)}"
            )
        if known[name] in columns.values():
            raise PmmlError(f"the fields {[*columns, name]} are not all different: {known[name]}")
        columns[name] = known[name]
    return columns


def _check_number(name: str, column: str, declared: Model) -> None:
    if column not in declared.definition.numbers:
        raise PmmlError(
            f"the field {name} is a category of the model {declared.name}, not a number;"
            f" numbers: {list(declared.definition.numbers)}"
        )


def _check_increasing(name: str, column: str, declared: Model) -> None:
    """Of a score that falls where the field rises."""
    if column in declared.definition.increasing:
        raise PmmlError(
            f"the score falls where {name} rises, which it must not in the model {declared.name};"
            " fit it with that constraint (of a tree: monotonic_cst)"
        )


# regression ---------------------------------------------------------------------------------------


def _regression(found: Regression, declared: Model) -> Trained:
    columns = _columns(found.kinds, declared.definition)
    features: list[Feature] = []
    weights: list[float | Mapping[float, float]] = []
    values: dict[str, list[str]] = {}
    for name, coefficient in found.numbers.items():
        _check_number(name, columns[name], declared)
        if found.kinds[name] == "integer" and not _is_whole(columns[name], declared):
            raise PmmlError(f"the field {name} is an integer there and a double here")
        features.append(Numeric(columns[name]))
        weights.append(coefficient)
        if coefficient < 0:
            _check_increasing(name, columns[name], declared)
    for name, terms in found.categories.items():
        _check_category(name, columns[name], found, declared)
        buckets = _buckets(name, list(terms))
        features.append(Hashed(columns[name], buckets))
        weights.append({float(fingerprint(v) % buckets): w for v, w in terms.items()})
        values[columns[name]] = list(terms)
    own = _definition(declared.definition, features)
    return _model(own, Logistic(found.intercept, tuple(weights)), no_tree(own), values)


def _check_category(name: str, column: str, found: Regression, declared: Model) -> None:
    if column in declared.definition.numbers:
        raise PmmlError(f"the field {name} is a number of the model {declared.name}, no category")
    kind, is_whole = found.kinds[name], _is_whole(column, declared)
    if kind != "string" and not (kind == "integer" and is_whole):
        raise PmmlError(
            f"the field {name} is of dataType {kind}; here it is a"
            f" {'whole number or text' if is_whole else 'text'}, compared as text"
        )
    for value in found.categories[name]:
        if value == "":
            raise PmmlError(f"the field {name}: an empty value is an absent one here")
        if is_whole and not (value.removeprefix("-").isdecimal() and str(int(value)) == value):
            raise PmmlError(f"the field {name}: the value {value!r} is no whole number")


def _is_whole(column: str, declared: Model) -> bool:
    return isinstance(declared.record.column(column).type, Integer)


def _buckets(name: str, values: list[str]) -> int:
    """A number of buckets in which no two values are together."""
    prints = [fingerprint(value) for value in values]
    for buckets in BUCKETS:
        if buckets >= len(prints) and len({p % buckets for p in prints}) == len(prints):
            return buckets
    raise PmmlError(f"the field {name}: {len(values):,} values are too many")


# tree ---------------------------------------------------------------------------------------------


def _tree(found: Tree, declared: Model) -> Trained:
    splits = list(_splits(found.root))
    columns = _columns(dict.fromkeys(split.field.name for split in splits), declared.definition)
    for split in splits:
        _check_split(split, columns[split.field.name], declared)
    for split in _falling(found.root):
        _check_increasing(split.field.name, columns[split.field.name], declared)
    own = _definition(declared.definition, [Numeric(column) for column in columns.values()])
    start = max(-_START, min(_START, _log_odds(found.share)))
    logistic = Logistic(start, tuple(0.0 for _ in columns))
    positions = {name: n for n, name in enumerate(columns)}
    booster = one_tree(own, found.root, positions, lambda leaf: _log_odds(leaf) - start)
    return _model(own, logistic, booster, {})


def _splits(root: Split) -> Iterator[Split]:
    open_ = [root]
    while open_:
        split = open_.pop()
        yield split
        open_ += [side for side in (split.above, split.below) if isinstance(side, Split)]


def _check_split(split: Split, column: str, declared: Model) -> None:
    """Trees compare in single precision, which must be what the file means, or make no difference.

    Of whole numbers below 2**24 it makes none, and larger ones stay larger.
    """
    name = split.field.name
    _check_number(name, column, declared)
    if split.field.single:
        return
    if not _is_whole(column, declared):
        raise PmmlError(
            f"the field {name} is of dataType {split.field.kind}, more exact than the single"
            " precision in which trees compare, in scikit-learn too; make it dataType='float'"
        )
    if abs(split.value) >= _EXACT:
        raise PmmlError(f"the field {name}: {split.value:g} is beyond what single precision has")


def _falling(root: Split) -> Iterator[Split]:
    """The splits with a score above their limit that is lower than one below it."""
    ranges: dict[int, tuple[float, float]] = {}  # of the branches that are splits
    for split in reversed(list(_splits(root))):  # a branch before what it is in
        lows, highs = zip(
            *(_range(side, ranges) for side in (split.below, split.above)), strict=True
        )
        ranges[id(split)] = min(lows), max(highs)
        if lows[1] < highs[0]:
            yield split


def _range(branch: Branch, known: Mapping[int, tuple[float, float]]) -> tuple[float, float]:
    return known[id(branch)] if isinstance(branch, Split) else (branch, branch)


def _log_odds(probability: float) -> float:
    if probability in (0.0, 1.0):
        return math.copysign(_CERTAIN, probability - 0.5)
    return max(-_CERTAIN, min(_CERTAIN, math.log(probability / (1 - probability))))


# both ---------------------------------------------------------------------------------------------


def _definition(definition: Definition, features: list[Feature]) -> Definition:
    """The use case's, with the features of the file: it reads their columns, and the segment."""
    used = {feature.column for feature in features} | {definition.segment}
    inputs = tuple(i for i in definition.inputs if i.column in used)
    return replace(definition, inputs=inputs, features=tuple(features), increasing=())


def _model(
    definition: Definition,
    logistic: Logistic,
    booster: xgb.Booster,
    values: Mapping[str, list[str]],
) -> Trained:
    seen = {column: frozenset(map(fingerprint, texts)) for column, texts in values.items()}
    encoder = Encoder(definition, History(seen, {}))
    fallback = Fallback("", encoder, logistic, Calibration())
    return Trained(fallback, booster, Calibration(), {}, values)


def archive(
    content: bytes, use_case: UseCase, fitted_through: int, version: str, folder: Path
) -> Path:
    """A `model.tar.gz` in the folder, as a training job would leave it: model and code.

    It has no figures and no reference for drift: nobody knows the rows that it was fitted to.
    Raises PmmlError.
    """
    assert use_case.model is not None, "there is a model to import one for"
    model(content, use_case.model, fitted_through, version).save(folder / "model")
    write_json(folder / "model" / METRICS, {})
    copy_code(package.tree(use_case, folder / "source"), folder / "model" / "code")
    path = folder / ARCHIVE
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder / "model", arcname=".")
    return path
