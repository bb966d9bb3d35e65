"""How far a use case's counts are complete: what can still change, and what cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from glue.instants import EPOCH
from glue.parameters import Parameters
from glue.targets import dynamodb
from lambdas.ports.report_store import ReportStore


@dataclass(frozen=True)
class Completeness:
    """Buckets that end at or before `through` are final; None before the first watermark."""

    through: datetime | None
    bucket: timedelta

    def final(self, end: datetime) -> bool:
        """Whether all buckets that start before `end` end by `through`."""
        # As durations since 1970, because datetime ends with the year 9999.
        last_ends = -((EPOCH - end) // self.bucket) * self.bucket
        return self.through is not None and last_ends <= self.through - EPOCH


def completeness(
    store: ReportStore, table: str, parameters: Mapping[str, Parameters]
) -> Callable[[str], Completeness]:
    """Reads a use case's watermark: less its window and lateness it is `through`."""

    def read(use_case: str) -> Completeness:
        own = parameters[use_case]
        watermark = dynamodb.watermark(store.get(table, {"use_case": {"S": use_case}}))
        through = None if watermark is None else watermark - own.settling
        return Completeness(through, own.aggregation_period)

    return read
