"""Writes tests/cel/corpus.tsv: the samples' fields, then each expression with its results.

`python -m tests.cel.render` after a change of `expressions.py` or `values.py`; what changes in the
results is read like code. tests/unit/lambdas/definitions/test_corpus.py compares them with the
door, and the JVM's CorpusTest with the stream.

A line of a sample: `sample`, its name, the field, its type, its value. A line of a feature:
`feature`, its name, its type, the expression, its value for each sample, and the checked form as
base64. A line of an expression: its group, the expression, the result for each sample, and the
checked form.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from glue.instants import to_wire
from lambdas.definitions.cel import Checker, EvaluationError
from lambdas.definitions.cel.checking import type_of
from tests.cel.expressions import computed, written
from tests.cel.values import FEATURES, SAMPLES, VARIABLES, checker, features, sample

CORPUS = Path(__file__).with_name("corpus.tsv")
# The result of an expression that has none.
ERROR = "error"


def rendered() -> str:
    """The file's text."""
    lines = ["\t".join(cells) for cells in (*_samples(), *_features(), *_expressions())]
    return "".join(f"{line}\n" for line in lines)


def _samples() -> Iterator[list[str]]:
    for name, groups in SAMPLES.items():
        for group, values in groups.items():
            kinds = {column.name: type_of(column.type) for column in VARIABLES[group]}
            for field, value in values.items():
                yield ["sample", name, f"{group}.{field}", kinds[field], _text(value)]


def _features() -> Iterator[list[str]]:
    samples = [sample(name)["features"] for name in SAMPLES]
    for name, checked in features().items():
        values = [_text(known[name]) if name in known else ERROR for known in samples]
        form = base64.b64encode(checked.form).decode()
        yield ["feature", name, checked.result, FEATURES[name], *values, form]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return to_wire(value) if hasattr(value, "tzinfo") else str(value)


def _expressions() -> Iterator[list[str]]:
    with_fields, samples = checker(), [sample(name) for name in SAMPLES]
    numbers = (("numbers", expression) for expression, _ in computed())
    for group, expression in (*written(), *numbers):
        checked = with_fields.check(expression).form
        results = [result(with_fields, checked, values) for values in samples]
        yield [group, expression, *results, base64.b64encode(checked).decode()]


def result(of: Checker, checked: bytes, values: Mapping[str, Mapping[str, Any]]) -> str:
    """True, false, or that there is none."""
    try:
        return _text(bool(of.evaluate(checked, values)))
    except EvaluationError:
        return ERROR


if __name__ == "__main__":
    CORPUS.write_text(rendered(), "utf-8")
