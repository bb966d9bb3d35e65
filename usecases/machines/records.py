"""What the pipeline writes."""

from datetime import datetime
from typing import Annotated

from annotated_types import Ge

from glue import record


@record(key="thing", stream="pairs")
class Pair:
    """Two measurements that are next to each other in time, of the two quantities of a join.

    Of several rows of one pair (join, thing and both times) the one with the last status counts.
    """

    thing: Annotated[str, "The machine."]
    r_quantity: Annotated[str, "The first quantity."]
    r_time: Annotated[datetime, "When it was measured."]
    r_result: Annotated[float, "Its value."]
    s_quantity: Annotated[str, "The second quantity."]
    s_time: Annotated[datetime, "When it was measured."]
    s_result: Annotated[float, "Its value."]
    status: Annotated[
        str,
        "`final`: it is a pair, whatever comes, and no row of it follows. `provisional`: it is one "
        "unless an overdue measurement comes. `withdrawn`: it was provisional, and is none.",
    ]
    join_name: Annotated[
        str | None, "The join; absent in rows of before there were several: `power`."
    ] = None
    join_version: Annotated[
        int | None, Ge(0), "The version of the join; 0 is that of the parameters."
    ] = None


@record(key="thing", stream="power")
class PowerSample:
    """What a machine delivers, from a final pair of the join `power`: speed and torque."""

    thing: Annotated[str, "The machine."]
    occurred_at: Annotated[datetime, "The mean of the times of speed and torque."]
    power: Annotated[float, "2π/60 · speed · torque: watts of rpm and newton metres."]
