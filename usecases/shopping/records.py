"""What the pipeline writes."""

from datetime import datetime
from typing import Annotated

from glue import record


@record(key="subject", stream="business-events")
class BusinessEvent:
    """Something that a pattern found. Which fields it has beside the common ones is its kind's."""

    id: Annotated[str, "Kind, subject and the event that names it: the same at each computation."]
    kind: Annotated[str, "`shopping`, `stuck_in_form` or `spending_anomaly`."]
    subject: Annotated[str, "The card or the session."]
    occurred_at: Annotated[datetime, "When it happened, in event time."]
    balance: Annotated[float | None, "shopping: what is left after the last debit."] = None
    count: Annotated[int | None, "shopping: debits within the window."] = None
    deviation: Annotated[
        float | None, "spending_anomaly: how far off, in standard deviations of the card."
    ] = None
    causes: Annotated[str, "The ids of the events that made it, a JSON list."]
    trace_id: Annotated[str, "The id of the event that names it; follows it to its action."]
