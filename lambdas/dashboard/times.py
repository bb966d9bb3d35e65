"""Ranges of time in queries, and times as the lake returns them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lambdas.http.queries import BadParameter


def span(
    start: datetime | None, to: datetime | None, now: datetime, usual: timedelta
) -> tuple[datetime, datetime]:
    """[from, to) of a query; `usual` long without a start. Raises BadParameter if it is empty."""
    end = to or now
    begin = start or end - usual
    if begin > end:
        raise BadParameter("from", "is after `to`")
    return begin, end


def parsed(text: str) -> datetime:
    """A time of the lake. Raises BadParameter, for one that a token contains."""
    try:
        return datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=UTC)
    except ValueError:
        raise BadParameter("next", "is not a token returned in `next`") from None
