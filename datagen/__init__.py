"""Generated events with a known truth: what a use case's `generator.py` builds on.

A use case yields `Occurrence`s: distinct events in the order of event time, each with what it
adds to the reports. This package repeats and shuffles them and keeps the exact expected counts.
It never reads a clock, and is part of no deployment.
"""

from datagen.generation import Generation, combined
from datagen.occurrences import (
    ClosingGenerator,
    Contribution,
    Event,
    Generator,
    Occurrence,
    Settings,
)
from datagen.sending import REPEAT_WITHIN

__all__ = [
    "REPEAT_WITHIN",
    "ClosingGenerator",
    "Contribution",
    "Event",
    "Generation",
    "Generator",
    "Occurrence",
    "Settings",
    "combined",
]
