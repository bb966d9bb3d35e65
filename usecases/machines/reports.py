"""What is reported."""

from typing import Annotated

from annotated_types import Ge, MinLen

from glue import Latest, Maximum, Minimum, report


@report(path="machines", key="thing", period="period")
class Machine:
    """The power of a machine, of each final pair of speed and torque.

    The mean is `total` / `count`. Where a machine measures at regular intervals, the share of the
    time in a load band is `load_…` / `count`.
    """

    thing: Annotated[str, MinLen(1), "The machine."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    count: Annotated[int, Ge(0), "Values."]
    total: Annotated[float, "Their sum, watts; exact to millionths."]
    minimum: Annotated[float, Minimum, "The least value, watts."]
    maximum: Annotated[float, Maximum, "The greatest value, watts."]
    last: Annotated[float, Latest, "The last value, watts."]
    load_1: Annotated[int, Ge(0), "Values below a fifth of RatedPower, in either direction."]
    load_2: Annotated[int, Ge(0), "Values from one fifth of it, below two."]
    load_3: Annotated[int, Ge(0), "Values from two fifths of it, below three."]
    load_4: Annotated[int, Ge(0), "Values from three fifths of it, below four."]
    load_5: Annotated[int, Ge(0), "Values from four fifths of it."]
