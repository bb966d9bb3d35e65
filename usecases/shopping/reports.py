"""What is counted."""

from typing import Annotated

from annotated_types import Ge, MinLen

from glue import report


@report(path="kinds", key="kind", period="period")
class Kind:
    """Business events of a kind."""

    kind: Annotated[str, MinLen(1), "The kind, as `shopping`."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    found: Annotated[int, Ge(0), "Business events found."]


@report(path="reactions", key="kind", period="period", stream="reaction-counts")
class Reaction:
    """What followed from the business events of a kind; each of them is decided once."""

    kind: Annotated[str, MinLen(1), "The kind, as `shopping`."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    decisions: Annotated[int, Ge(0), "Business events that were decided."]
    passed: Annotated[int, Ge(0), "Those that a live rule let pass."]
    actions: Annotated[int, Ge(0), "Those that led to an action, which is sent once."]
