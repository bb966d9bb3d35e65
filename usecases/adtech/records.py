"""What the pipeline writes: enriched events, and one row per closed auction."""

from datetime import datetime
from typing import Annotated

from glue import record
from usecases.adtech.events import Click, Impression


class _Auction:
    tx_id: Annotated[str, "The auction."]
    app_uid: Annotated[str, "The app or site that offers the space."]
    campaign_item_id: Annotated[int, "The campaign the bid was for."]
    creative_category: Annotated[str | None, "Category of the creative."] = None
    creative_id: Annotated[str | None, "The creative of the bid."] = None
    domain: Annotated[str | None, "Where the ad was to be shown."] = None
    bid_price: Annotated[int | None, "Price offered in the bid, micro-USD."] = None


@record(key="tx_id", stream="impressions", event=Impression)
class EnrichedImpression(_Auction):
    """An impression with its bid's fields."""

    event_id: Annotated[str | None, "The impression's own id."] = None
    occurred_at: Annotated[datetime, "When the ad was shown."]
    win_price: Annotated[int, "Clearing price, micro-USD."]


@record(key="tx_id", stream="clicks", event=Click)
class EnrichedClick(_Auction):
    """A click with the fields of its bid and impression."""

    event_id: Annotated[str | None, "The click's own id."] = None
    occurred_at: Annotated[datetime, "When the ad was clicked."]
    win_price: Annotated[int, "Clearing price of the impression, micro-USD."]


@record(key="tx_id", stream="transactions")
class Transaction(_Auction):
    """One closed auction: what was bid and what became of it. The training table."""

    win_price: Annotated[int | None, "Clearing price; the price offered where not won."] = None
    won: Annotated[bool, "An impression was matched."]
    clicked: Annotated[bool, "A click was matched."]
    bid_at: Annotated[datetime, "When the bid was placed."]
    won_at: Annotated[datetime | None, "When the ad was shown."] = None
    clicked_at: Annotated[datetime | None, "When the ad was clicked."] = None
