"""A use case made up for a test: its pipeline is written into a folder."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from annotated_types import Ge

from glue import UseCase, event, record, report
from glue.parameters import Duration, Parameter, Text


@event(key="gate", stream="passages")
class Passage:
    """Somebody went through a gate."""

    gate: Annotated[str, "The gate."]
    people: Annotated[int, Ge(1), "How many at once."]


@event(key="gate", stream="gate-states", type="state")
class GateState:
    """A gate was opened or closed."""

    gate: Annotated[str, "The gate."]
    open: Annotated[bool, "It was opened."]


@record(key="gate", stream="jams")
class GateJam:
    """Nobody came through an open gate."""

    gate: Annotated[str, "The gate."]
    since: Annotated[datetime, "When the last one came."]


@report(path="gates", key="gate", period="period")
class Gate:
    """People per gate."""

    gate: Annotated[str, "The gate."]
    period: Annotated[int, Ge(0), "Start of the bucket, epoch seconds."]
    people: Annotated[int, Ge(0), "People who went through."]


PARAMETERS = (
    Parameter("Jam", Duration("PT1S", "PT1H"), "PT5M", "How long nobody comes through."),
    Parameter("Door", Text(10), "it's", "A gate."),
)
VIEW = "CREATE TEMPORARY VIEW {} AS\nSELECT 1"


def stadium(folder: Path, *definitions: type, pipeline: str = "", **options) -> UseCase:
    """A use case of these definitions with one pipeline file."""
    (folder / "pipeline").mkdir()
    (folder / "pipeline" / "10.sql").write_text(pipeline)
    return UseCase("stadium", "A stadium.", folder, definitions, parameters=PARAMETERS, **options)
