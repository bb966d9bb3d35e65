"""A use case of one report for each type of key, as small as one can be."""

from pathlib import Path
from typing import Annotated

from annotated_types import Ge, MinLen

from glue import Catalog, UseCase, event, report
from glue.parameters import Duration, Parameter, Role


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


PARAMETERS = (
    Parameter("Pairing", Duration("PT1S", "P30D", Role.WINDOW), "PT1H", "How far apart pairs are."),
    Parameter("Patience", Duration("PT0S", "P30D", Role.LATENESS), "PT1H", "How late counts."),
)
FACTORY = UseCase("factory", "Machines.", Path(), (Reading, Machine, Site), parameters=PARAMETERS)
CATALOG = Catalog((FACTORY,))
TABLES = {"factory/machines": "t-machines", "factory/sites": "t-sites"}
PROGRESS_TABLE = "t-progress"
