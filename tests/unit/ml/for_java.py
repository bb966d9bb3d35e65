"""Writes the model that the tests of sdp.scores read: its graph, and what it must answer.

    .venv/dev/bin/python -m tests.unit.ml.for_java

The model is of auctions with odd texts, and labels in which the trees have something to find. The
answers are those of the trained model itself, which has never seen the graph.
"""

import json
from pathlib import Path

import numpy as np

import usecases
from ml.graph import graph
from ml.rows import Range, Rows
from ml.train import Settings, train
from ml.trees import Growth

RESOURCES = Path("analytics_app/jvm/src/test/resources/sdp/scores")
ODD = ["😀", "ﬀ", "goal.example", "a\0b", "a", "\\ud83d\\ude00", "c\\d", "é", "e\u0301", " ", "77"]
ROWS = 20_000
ABSENT = [None, "", "never seen", "😀😀", "a\0", "a\0bc", "\ud83d", "\\u0000"]


def main():
    """Writes both files."""
    definition = usecases.load().use_case("adtech").model.definition
    rows = made_up(definition, np.random.default_rng(1))
    model, slices = train(
        rows, definition, Settings(Range.parse("", ""), version="v1", growth=Growth(rounds=12))
    )
    RESOURCES.mkdir(parents=True, exist_ok=True)
    (RESOURCES / "win.onnx").write_bytes(graph(model).SerializeToString())
    columns = next(slices.test[slice(0, 300)].chunks())
    columns = {name: [*values, *hard(definition, name)] for name, values in columns.items()}
    answers = {
        "columns": {name: columns[name] for name in definition.columns},
        "scores": model.scores(columns),
    }
    (RESOURCES / "win.json").write_text(json.dumps(answers) + "\n", "utf-8")


def made_up(definition, rng):
    """Rows whose label hangs on two columns together."""
    texts = {name: [f"{name}-{n}" for n in range(40)] + ODD for name in definition.categories}
    codes = {n: rng.integers(-1, len(v), ROWS, dtype=np.int32) for n, v in texts.items()}
    price = rng.integers(0, 5_000, ROWS).astype(float)
    both = (codes["domain"] % 3 == 0) ^ (codes["creative_id"] % 2 == 0) ^ (price > 2_000)
    label = rng.random(ROWS) < np.where(both, 0.85, 0.2)
    return Rows(np.arange(ROWS), label, {"bid_price": price}, codes, texts)


def hard(definition, name):
    """Texts and numbers that few have thought of."""
    if name in definition.numbers:
        return [0, 0.5, 1e-12, 2**53 + 1, 1e18, 1e300, 1000, 7]
    return ABSENT


if __name__ == "__main__":
    main()
