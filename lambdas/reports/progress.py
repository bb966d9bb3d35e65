"""How far a use case's counts are complete: what can no longer change, and what can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from glue.instants import EPOCH
from glue.parameters import Parameters
from lambdas.reports.store import Store


@dataclass(frozen=True)
class Completeness:
    """Buckets that end at or before `through` are final; None before the first watermark."""

    through: datetime | None
    bucket: timedelta

    def final(self, end: datetime) -> bool:
        """Whether all buckets that start before `end` have ended by `through`."""
        # As durations since 1970, for there is no moment after the year 9999.
        last_ends = -((EPOCH - end) // self.bucket) * self.bucket
        return self.through is not None and last_ends <= self.through - EPOCH


def completeness(store: Store, table: str, parameters: Parameters) -> Callable[[str], Completeness]:
    """Reads a use case's watermark: minus CorrelationWindow and AllowedLateness it is `through`."""
    back = parameters.correlation_window + parameters.allowed_lateness

    def read(use_case: str) -> Completeness:
        item = store.get(table, {"use_case": {"S": use_case}})
        through = None
        if item is not None:
            through = EPOCH + timedelta(milliseconds=int(item["watermark"]["N"])) - back
        return Completeness(through, parameters.aggregation_period)

    return read
