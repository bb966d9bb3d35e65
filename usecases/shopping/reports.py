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
