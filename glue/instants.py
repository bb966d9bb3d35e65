"""Instants on the wire: RFC 3339 or epoch milliseconds in, `…Z` with three decimals out.

Source of the accepted text: RFC 3339 section 5.6; an offset is required.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_MILLISECOND = timedelta(milliseconds=1)


def parse(value: object) -> datetime:
    """The instant, UTC, cut to milliseconds; ValueError says what is wrong and what is wanted."""
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return from_millis(value)
    raise ValueError("a time is RFC 3339 text or an integer of epoch milliseconds")


def from_millis(millis: int) -> datetime:
    """The instant that many milliseconds after 1970; ValueError outside the years 1970–9999."""
    try:
        return _checked(EPOCH + timedelta(milliseconds=millis))
    except OverflowError:
        raise ValueError("the time is not within the years 1970 to 9999") from None


def to_millis(instant: datetime) -> int:
    """Epoch milliseconds."""
    return (instant - EPOCH) // _MILLISECOND


def to_wire(instant: datetime) -> str:
    """`2026-11-21T10:00:00.000Z`; the instant is in UTC."""
    return instant.isoformat(timespec="milliseconds")[:-6] + "Z"


def _from_text(text: str) -> datetime:
    if not _RFC_3339.fullmatch(text):
        raise ValueError("the time is not RFC 3339 with an offset, as 2026-11-21T10:00:00.000Z is")
    try:
        found = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except ValueError as error:
        raise ValueError(f"the time does not exist: {error}") from None
    except OverflowError:
        raise ValueError("the time is not within the years 1970 to 9999") from None
    return _checked(found.replace(microsecond=found.microsecond // 1000 * 1000))


def _checked(instant: datetime) -> datetime:
    if instant < EPOCH:
        raise ValueError("the time is not within the years 1970 to 9999")
    return instant
