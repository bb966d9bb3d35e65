"""Ranges of time in queries, and times as the lake returns them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from glue.instants import EPOCH
from lambdas.http.queries import BadParameter

DAY = timedelta(days=1)


def span(
    start: datetime | None, to: datetime | None, now: datetime, usual: timedelta
) -> tuple[datetime, datetime]:
    """[from, to) of a query; `usual` long without a start. Raises BadParameter if it is empty."""
    end = to or now
    begin = start or end - usual
    if begin > end:
        raise BadParameter("from", "is after `to`")
    return begin, end


def written_since(start: datetime) -> str:
    """SQL: the partitions of the lake that may have records of this time or later.

    A record is delivered after its time, never long before: earlier ones need not be read.
    """
    return f"date >= '{start - DAY:%Y-%m-%d}'" if start > EPOCH + DAY else "TRUE"


def parsed(text: str) -> datetime:
    """A time as the lake returns it. Raises ValueError."""
    return datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=UTC)
