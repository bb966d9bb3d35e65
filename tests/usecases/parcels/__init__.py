"""Parcels of shops: a correlation of three steps, with other names than the platform's own."""

from pathlib import Path
from typing import Annotated

from annotated_types import Ge, MinLen

from glue import Amount, UseCase, event, fields_of, record, report
from glue.parameters import Duration, Parameter, Role


@event(key="parcel", stream="steps")
class Ordered:
    """A parcel was ordered."""

    parcel: Annotated[str, MinLen(1), "The parcel."]
    shop: Annotated[int, Ge(0), "The shop."]
    price: Annotated[int, Ge(0), Amount, "What it costs."]


@event(key="parcel", stream="steps")
class Packed:
    """A parcel was packed."""

    parcel: Annotated[str, MinLen(1), "The parcel."]
    weight: Annotated[float, Ge(0.0), "Kilograms."]


@event(key="parcel", stream="steps")
class Sent:
    """A parcel was sent."""

    parcel: Annotated[str, MinLen(1), "The parcel."]


@record(key="parcel", stream="sendings", event=Sent, takes=(fields_of(Ordered), Packed))
class Sending:
    """A parcel that was sent, with what was ordered and packed."""

    event_id: Annotated[str, "The sending's own id."]


@report(path="shops", key="shop", period="period")
class Shop:
    """Parcels of a shop."""

    shop: Annotated[int, Ge(0), "The shop."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    ordered: Annotated[int, Ge(0), "Parcels ordered."]
    sent: Annotated[int, Ge(0), "Parcels sent."]
    turnover: Annotated[int, Ge(0), "Sum of the prices ordered."]


USE_CASE = UseCase(
    name="parcels",
    doc="Parcels of shops, from the order to the sending.",
    folder=Path(__file__).parent,
    classes=(Ordered, Packed, Sent, Sending, Shop),
    parameters=(
        Parameter(
            "DeliveryWindow",
            Duration("PT1M", "P10D", Role.WINDOW),
            "PT30M",
            "How long after the order a parcel is sent.",
        ),
        Parameter(
            "AllowedLateness",
            Duration("PT0S", "P1D", Role.LATENESS),
            "PT10M",
            "How late a step counts.",
        ),
    ),
)
