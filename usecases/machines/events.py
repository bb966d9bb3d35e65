"""What machines send."""

from typing import Annotated

from annotated_types import Interval, MaxLen, MinLen

from glue import event


@event(key="thing", stream="measurements", identity=("thing", "quantity"))
class Measurement:
    """A quantity of a machine was measured; `occurred_at` is when, the phenomenon's time."""

    thing: Annotated[str, MinLen(1), MaxLen(128), "The machine."]
    quantity: Annotated[str, MinLen(1), MaxLen(128), "What was measured, as `speed`."]
    result: Annotated[float, Interval(ge=-1e12, le=1e12), "The value."]
