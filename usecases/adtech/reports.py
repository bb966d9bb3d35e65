"""What is counted per campaign."""

from typing import Annotated

from annotated_types import Ge

from glue import report


@report(path="campaigns", key="campaign_item_id", period="period")
class Campaign:
    """Bids, impressions, clicks and spend of a campaign."""

    campaign_item_id: Annotated[int, Ge(0), "The campaign."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    bids: Annotated[int, Ge(0), "Bids placed."]
    impressions: Annotated[int, Ge(0), "Ads shown."]
    clicks: Annotated[int, Ge(0), "Ads clicked."]
    spend: Annotated[int, Ge(0), "Sum of the impressions' clearing prices, micro-USD."]
