"""What the chance of winning is predicted from: only what was known when the bid was made.

The price is the one offered (`bid_price`). The record's `win_price` would give the answer away:
it is the clearing price where the bid was won, and the price offered where it was not.
"""

from features.definition import Hashed, Input, Log, Numeric, Relative
from glue.models import model
from usecases.adtech.events import Bid
from usecases.adtech.records import Transaction

WIN = model(
    name="win",
    doc="The probability of winning a bid at a given price.",
    record=Transaction,
    event=Bid,
    time="bid_at",
    label="won",
    segment="campaign_item_id",
    inputs=(
        Input("campaign_item_id", request="campaignItemId"),
        Input("domain", request="domain"),
        Input("creative_id", request="creativeId"),
        Input("creative_category", request="creativeCategory"),
        Input("bid_price", request="winPrice", event="win_price"),
    ),
    features=(
        Hashed("campaign_item_id"),
        Hashed("domain"),
        Hashed("creative_id"),
        Hashed("creative_category", buckets=1024),
        Numeric("bid_price"),
        Log("bid_price"),
        Relative("bid_price", to="campaign_item_id"),
    ),
    increasing=("bid_price",),
)
