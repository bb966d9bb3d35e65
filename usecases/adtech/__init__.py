"""Ad auctions: bids, impressions and clicks, joined exactly and counted per campaign."""

from pathlib import Path

from glue import Series, UseCase
from usecases.adtech.events import Bid, Click, Impression
from usecases.adtech.features import WIN
from usecases.adtech.parameters import PARAMETERS
from usecases.adtech.records import EnrichedClick, EnrichedImpression, Transaction
from usecases.adtech.reports import Campaign

USE_CASE = UseCase(
    name="adtech",
    doc="Ad auctions: bids, impressions and clicks, joined exactly and counted per campaign.",
    folder=Path(__file__).parent,
    classes=(
        Bid,
        Impression,
        Click,
        EnrichedImpression,
        EnrichedClick,
        Transaction,
        Campaign,
    ),
    model=WIN,
    parameters=PARAMETERS,
    series=(Series("prices", EnrichedImpression, key="campaign_item_id", value="win_price"),),
)
