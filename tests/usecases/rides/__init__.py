"""Rides: two streams of events, joined in time, and reports of decimals and of the newest value."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, MinLen

from glue import Latest, UseCase, event, record, report
from glue.parameters import Duration, Parameter, Role

Ride = Annotated[str, MinLen(1), "The ride."]


@event(key="ride", stream="ride-requests", type="request")
class RideRequest:
    """Somebody wants to be driven."""

    ride: Ride
    zone: Annotated[str, MinLen(1), "Where."]


@event(key="ride", stream="pickups")
class Pickup:
    """Somebody was picked up."""

    ride: Ride
    fare: Annotated[float, Ge(0.0), "What it costs."]


@record(key="ride", stream="drives", event=Pickup, takes=(RideRequest, Pickup))
class Drive:
    """A ride that took place."""

    event_id: Annotated[str, "The pickup's own id."]
    requested_at: Annotated[datetime, "When it was requested."]
    picked_at: Annotated[datetime, "When it began."]


@report(path="zones", key="zone", period="period")
class Zone:
    """Rides of a zone."""

    zone: Annotated[str, MinLen(1), "The zone."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    rides: Annotated[int, Ge(0), "Rides that took place."]
    fares: Annotated[float, Ge(0.0), "Sum of their fares."]


@report(path="fares", key="zone", period="period", stream="last-fares")
class LastFare:
    """The last ride of a zone."""

    zone: Annotated[str, MinLen(1), "The zone."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    fare: Annotated[float, Latest, "Its fare."]
    ride: Annotated[str, Latest, "Which ride it was."]


USE_CASE = UseCase(
    name="rides",
    doc="Rides, from the request to the pickup.",
    folder=Path(__file__).parent,
    classes=(RideRequest, Pickup, Drive, Zone, LastFare),
    parameters=(
        Parameter(
            "PickupWindow",
            Duration("PT1M", "PT6H", Role.WINDOW),
            "PT15M",
            "How long after the request a pickup belongs to it.",
        ),
    ),
)
