import pytest

from tests.unit.lambdas.ingest.gateway import Gateway


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()
