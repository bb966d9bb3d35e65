"""Machines: what they measure is joined in time, exactly, and becomes their power."""

from pathlib import Path

from glue import Series, UseCase
from glue.definitions import JOIN, definitions
from glue.mqtt import Mqtt
from usecases.machines.events import Measurement
from usecases.machines.parameters import PARAMETERS
from usecases.machines.records import Pair, PowerSample
from usecases.machines.reports import Machine

USE_CASE = UseCase(
    name="machines",
    doc="Machines: what they measure is joined in time, exactly, and becomes their power.",
    folder=Path(__file__).parent,
    classes=(Measurement, Pair, PowerSample, Machine),
    parameters=PARAMETERS,
    definitions=definitions(JOIN),
    mqtt=Mqtt(Measurement, topic="measurements/{thing}/{quantity}", value="result"),
    series=(
        Series("measurements", Measurement, value="result", by="quantity"),
        Series("power", PowerSample, value="power"),
    ),
)
