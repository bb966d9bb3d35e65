"""Doors: a pattern over the attempts of each badge, and no report at all."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from annotated_types import MinLen

from glue import UseCase, event, record
from glue.parameters import Duration, Parameter, Whole


@event(key="badge", stream="attempts")
class Attempt:
    """A badge was held to a door."""

    badge: Annotated[str, MinLen(1), "The badge."]
    granted: Annotated[bool, "The door opened."]


@record(key="badge", stream="entries")
class ForcedEntry:
    """A door opened after several refusals in a row."""

    badge: Annotated[str, "The badge."]
    first_at: Annotated[datetime, "The first refusal."]
    opened_at: Annotated[datetime, "When the door opened."]
    refusals: Annotated[int, "How many refusals there were."]


USE_CASE = UseCase(
    name="doors",
    doc="Doors that open after several refusals.",
    folder=Path(__file__).parent,
    classes=(Attempt, ForcedEntry),
    parameters=(
        Parameter("Refusals", Whole(1, 20), "3", "How many refusals make an entry suspicious."),
        Parameter("EntryWindow", Duration("PT1M", "PT1H"), "PT10M", "How long they may take."),
    ),
)
