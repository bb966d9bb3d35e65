"""What bidders, ad servers and pages send. One tx_id is one auction."""

from typing import Annotated

from annotated_types import Ge, MaxLen, MinLen

from glue import Amount, event

TransactionId = Annotated[
    str, MinLen(1), MaxLen(128), "The auction; joins bid, impression and click."
]


@event(key="tx_id", stream="bcns")
class Bid:
    """A bid was placed in an auction."""

    tx_id: TransactionId
    app_uid: Annotated[str, MinLen(1), MaxLen(256), "The app or site that offers the space."]
    campaign_item_id: Annotated[int, Ge(0), "The campaign the bid is for."]
    creative_category: Annotated[str | None, MaxLen(256), "Category of the creative."] = None
    creative_id: Annotated[str | None, MaxLen(256), "The creative that would be shown."] = None
    domain: Annotated[str | None, MaxLen(256), "Where the ad would be shown."] = None
    win_price: Annotated[int | None, Ge(0), Amount, "Price offered, micro-USD."] = None


@event(key="tx_id", stream="bcns", type="imp")
class Impression:
    """The ad was shown: the bid was won."""

    tx_id: TransactionId
    win_price: Annotated[int, Ge(0), Amount, "Clearing price, micro-USD."]


@event(key="tx_id", stream="bcns")
class Click:
    """The ad was clicked."""

    tx_id: TransactionId
