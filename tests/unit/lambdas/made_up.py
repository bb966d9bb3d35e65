"""A use case of one report for each type of key, as small as one can be."""

from pathlib import Path
from typing import Annotated

from annotated_types import Ge, MinLen

from glue import Catalog, UseCase, event, report


@event(key="machine", stream="readings")
class Reading:
    """A machine was read."""

    machine: Annotated[str, "The machine."]


@report(path="machines", key="machine", period="bucket")
class Machine:
    """Readings of a machine."""

    machine: Annotated[str, MinLen(1), "The machine."]
    bucket: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    readings: Annotated[int, Ge(0), "Readings taken."]
    watts: Annotated[int, "Sum of what was read; negative where power was fed back."]


@report(path="sites", key="site", period="period")
class Site:
    """Readings of a site."""

    site: Annotated[int, Ge(0), "The site."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    readings: Annotated[int, Ge(0), "Readings taken."]


FACTORY = UseCase("factory", "Machines.", Path(), (Reading, Machine, Site))
CATALOG = Catalog((FACTORY,))
TABLES = {"factory/machines": "t-machines", "factory/sites": "t-sites"}
PROGRESS_TABLE = "t-progress"
