"""The model of another use case, over what a decision knows: it learns what its generator made."""

import numpy as np
import pytest

from ml.figures import losses
from ml.graph import graph
from ml.rows import Range, read
from ml.streaming import Graph
from ml.train import Settings as Training
from ml.train import train
from ml.trees import Growth
from tests.unit.ml.auctions import write
from tests.unit.ml.offers import SHOPPING, offers
from usecases.shopping import generator

ALL = Range.parse("", "")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The model, and the rows held out."""
    lake = write(offers(80_000), tmp_path_factory.mktemp("offers"))
    definition = SHOPPING.model.definition
    rows = read(lake, definition, ALL).rows
    model, slices = train(rows, definition, Training(ALL, version="a1", growth=Growth(rounds=60)))
    return model, slices.test


def test_it_is_nearly_as_good_as_any_model_can_be(trained):
    model, held_out = trained
    columns = next(held_out.chunks())
    likely = [
        generator.accept_probability(balance=balance, segment=segment, age=int(age))
        for balance, segment, age in zip(
            columns["balance"], columns["segment"], columns["age"], strict=True
        )
    ]
    label = held_out.label[: len(likely)]
    best = float(losses(np.array(likely), label).mean())
    found = float(losses(np.array(model.scores(columns)), label).mean())
    base = float(losses(np.full(len(label), label.mean()), label).mean())
    assert best < found < best + 0.15 * (base - best)


def test_the_stream_scores_as_the_endpoint(trained):
    model, held_out = trained
    columns = next(held_out.chunks())
    scored = Graph(graph(model).SerializeToString(), model.definition).scores(columns)
    assert np.abs(np.array(scored) - np.array(model.scores(columns))).max() <= 1e-6
