"""The corpus at the door. The JVM's CorpusTest holds the stream to the same file."""

import base64

from lambdas.definitions.cel import form
from lambdas.definitions.cel.overloads import OVERLOADS
from tests.cel import render
from tests.cel.expressions import computed
from tests.cel.render import CORPUS, ERROR, rendered
from tests.cel.values import SAMPLES

LINES = [line.split("\t") for line in CORPUS.read_text("utf-8").splitlines()]
EXPRESSIONS = [line for line in LINES if line[0] not in ("sample", "feature")]


def test_the_door_has_the_results_of_the_corpus() -> None:
    assert rendered() == CORPUS.read_text("utf-8"), f"python -m {render.__name__}"


def test_it_has_enough_expressions_and_each_is_there_once() -> None:
    texts = [line[1] for line in EXPRESSIONS]
    assert len(texts) >= 500
    assert all(len(line) == 3 + len(SAMPLES) for line in EXPRESSIONS)


def test_arithmetic_is_that_of_the_specification() -> None:
    results = {line[1]: line[2] for line in EXPRESSIONS}
    wrong = {
        expression: results[expression]
        for expression, value in computed()
        if results[expression] != (ERROR if value is None else "true")
    }
    assert wrong == {}


def test_every_function_that_is_allowed_is_in_the_corpus() -> None:
    used = {
        overload
        for line in LINES
        if line[0] != "sample"
        for entry in form.read(base64.b64decode(line[-1])).reference_map
        for overload in entry.value.overload_id
    }
    assert used == OVERLOADS
