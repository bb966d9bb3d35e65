"""What is reported."""

from typing import Annotated

from annotated_types import Ge, MinLen

from glue import Latest, Maximum, Minimum, Ratio, report

BANDS = ("load_1", "load_2", "load_3", "load_4", "load_5")


@report(
    path="machines",
    key="thing",
    period="period",
    ratios=(
        Ratio("mean", "total", ("count",), "The mean value, watts."),
        *(
            Ratio(f"share_{n}", band, BANDS, f"The share of `{band}` in the time of all five.")
            for n, band in enumerate(BANDS, 1)
        ),
    ),
)
class Machine:
    """The power of a machine, of each final pair of speed and torque.

    `load_1` to `load_5` are milliseconds: a value lasts until the next measurement of speed or
    torque, and the `distance` of the join at most. `share_1` to `share_5` are their parts of the
    time of all five.
    """

    thing: Annotated[str, MinLen(1), "The machine."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    count: Annotated[int, Ge(0), "Values."]
    total: Annotated[float, "Their sum, watts; exact to millionths."]
    minimum: Annotated[float, Minimum, "The least value, watts."]
    maximum: Annotated[float, Maximum, "The greatest value, watts."]
    last: Annotated[float, Latest, "The last value, watts."]
    load_1: Annotated[int, Ge(0), "Time below a fifth of RatedPower, in either direction, ms."]
    load_2: Annotated[int, Ge(0), "Time from one fifth of it, below two, ms."]
    load_3: Annotated[int, Ge(0), "Time from two fifths of it, below three, ms."]
    load_4: Annotated[int, Ge(0), "Time from three fifths of it, below four, ms."]
    load_5: Annotated[int, Ge(0), "Time from four fifths of it, ms."]
