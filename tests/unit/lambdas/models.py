"""A small model of the ad-tech use case: the score rises with the price, and nothing else."""

from __future__ import annotations

import json

import usecases
from features.encoding import Encoder, Historian
from features.scoring import Calibration, Fallback, Logistic
from glue.models import Model

FOUND = usecases.load().use_case("adtech").model
assert FOUND is not None
MODEL: Model = FOUND
ROWS = {
    "campaign_item_id": ["7", "8"],
    "domain": ["goal.example", None],
    "creative_id": ["cr-1", "cr-2"],
    "creative_category": ["News", "Food"],
    "bid_price": [1000.0, 3000.0],
}
REQUEST = {"campaignItemId": "7", "domain": "goal.example", "winPrice": 2000}


def fallback(version: str = "v1") -> Fallback:
    """It has seen two campaigns."""
    historian = Historian(MODEL.definition)
    historian.add(ROWS)
    encoder = Encoder(MODEL.definition, historian.history())
    weights = ({}, {}, {}, {}, 0.0, 1.0, 0.0)
    return Fallback(version, encoder, Logistic(-7.0, weights), Calibration())


def fallback_file(version: str = "v1") -> bytes:
    """The file that predictions read."""
    return json.dumps(fallback(version).to_json()).encode()
