"""A use case with every kind of column, so that each rendering of each is under review."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le, MaxLen, MinLen

from glue import UseCase, event, record, report


class Place:
    """Where a machine stands."""

    hall: Annotated[str, MaxLen(20), "The hall."]
    floor: Annotated[int | None, Ge(-3), Le(40), "Which floor."] = None


@event(key="machine", stream="readings", aliases=("measurement",))
class Reading:
    """A machine was read."""

    machine: Annotated[str, MinLen(1), MaxLen(64), "The machine."]
    celsius: Annotated[float | None, Ge(-40.0), Le(150.0), "Temperature."] = None
    pieces: Annotated[int, Ge(0), "Pieces made since the last reading."]
    open: Annotated[bool, "The door is open."]
    calibrated_at: Annotated[datetime | None, "When the sensor was last set right."] = None
    place: Annotated[Place | None, "Where it stands."] = None


@record(key="machine", stream="alarms")
class Alarm:
    """A machine was too hot twice in a row."""

    machine: Annotated[str, "The machine."]
    raised_at: Annotated[datetime, "When it was read the second time."]
    celsius: Annotated[float, "The higher temperature."]


@report(path="machines", key="machine", period="period")
class Output:
    """What a machine made."""

    machine: Annotated[str, MinLen(1), "The machine."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    readings: Annotated[int, Ge(0), "Readings taken."]
    pieces: Annotated[int, Ge(0), "Pieces made."]


FACTORY = UseCase("factory", "What machines make.", Path(), (Reading, Alarm, Output))
