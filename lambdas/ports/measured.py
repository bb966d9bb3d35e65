"""The port to the metrics of streams and deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from glue.errors import PlatformError


class MetricsUnavailable(PlatformError):
    """The metrics cannot be read; the same request may succeed later."""


class Measured(Protocol):
    """Both methods raise MetricsUnavailable."""

    def records(
        self, streams: Iterable[str], start: datetime, end: datetime
    ) -> Mapping[str, Mapping[datetime, int]]:
        """By stream, the records that were put into it in each full minute of [start, end)."""

    def freshness(self, deliveries: Iterable[str], now: datetime) -> Mapping[str, float]:
        """By delivery, how old in seconds the oldest undelivered record was at the last report."""
