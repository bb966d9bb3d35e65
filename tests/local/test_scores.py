"""A model that was promoted while the job ran scores in its stream, as its endpoint does."""

from typing import Any

import pytest

from tests.local.driver import Driver, wait_until
from tests.local.modelling import Bid


def test_a_transaction_has_the_score_that_the_endpoint_gave_when_the_bid_was_placed(
    driver: Driver, scored: Bid
) -> None:
    """No deployment came between: the job ran before there was a model."""
    found: list[dict[str, Any]] = []

    def look() -> bool:
        found[:] = [r for r in driver.records("transactions") if r["tx_id"] == scored.tx_id]
        return bool(found)

    wait_until(look, 300, lambda: f"{scored.tx_id} has not closed")
    (row,) = found
    assert row["model_version"] == scored.model_version
    assert row["win_probability"] == pytest.approx(scored.score, abs=1e-6)
