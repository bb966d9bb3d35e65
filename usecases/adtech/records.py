"""What the pipeline writes: enriched events, and one row per closed auction.

A field that is added to an event is in its records too.
"""

from datetime import datetime
from typing import Annotated

from glue import fields_of, record
from usecases.adtech.events import Bid, Click, Impression

_BID = fields_of(Bid, win_price="bid_price")


@record(key="tx_id", stream="impressions", event=Impression, takes=(_BID, Impression))
class EnrichedImpression:
    """An impression with its bid's fields."""

    event_id: Annotated[str | None, "The impression's own id."] = None
    occurred_at: Annotated[datetime, "When the ad was shown."]


@record(key="tx_id", stream="clicks", event=Click, takes=(_BID, Impression, Click))
class EnrichedClick:
    """A click with the fields of its bid and impression."""

    event_id: Annotated[str | None, "The click's own id."] = None
    occurred_at: Annotated[datetime, "When the ad was clicked."]


@record(key="tx_id", stream="transactions", closes=Bid, takes=(_BID,))
class Transaction:
    """One closed auction: what was bid and what became of it. The training table."""

    win_price: Annotated[int | None, "Clearing price; the price offered where not won."] = None
    won: Annotated[bool, "An impression was matched."]
    clicked: Annotated[bool, "A click was matched."]
    bid_at: Annotated[datetime, "When the bid was placed."]
    won_at: Annotated[datetime | None, "When the ad was shown."] = None
    clicked_at: Annotated[datetime | None, "When the ad was clicked."] = None
    win_probability: Annotated[
        float | None, "The chance that the bid wins, by the model in force when it was placed."
    ] = None
    model_version: Annotated[str | None, "That model; none if there is no score."] = None
