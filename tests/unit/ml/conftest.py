"""Auctions and a model trained on them, made once."""

import pytest

import usecases
from ml.rows import Range, read
from ml.train import Settings, train
from ml.trees import Growth
from tests.unit.ml.auctions import auctions, write

ALL = Range.parse("", "")


@pytest.fixture(scope="session")
def definition():
    """What the ad-tech model is."""
    return usecases.load().use_case("adtech").model.definition


@pytest.fixture(scope="session")
def history():
    """Fifty thousand auctions, in order of time."""
    return auctions(50_000)


@pytest.fixture(scope="session")
def lake(history, tmp_path_factory):
    """They as Parquet files."""
    return write(history, tmp_path_factory.mktemp("lake"), parts=3)


@pytest.fixture(scope="session")
def trained(lake, definition):
    """The model of all of them, and its slices."""
    return train(read(lake, definition, ALL).rows, definition, Settings(ALL, version="v1"))


@pytest.fixture(scope="session")
def quick():
    """Settings that train in a second."""
    return Settings(ALL, growth=Growth(rounds=20, patience=5))
