"""Instants on the wire: RFC 3339 or epoch milliseconds in, `…Z` with three decimals out.

Source of the accepted text: RFC 3339 section 5.6; an offset is required. A leap second is read as
the second before it, as java.time does: it belongs to the day that it ends.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_SECOND = slice(17, 19)
_MILLISECOND = timedelta(milliseconds=1)
# Ten digits: the seconds of the years 2001 to 2286, and milliseconds of January to April 1970.
_SECONDS = range(1_000_000_000, 10_000_000_000)
_RANGE = "the time is not within the years 1970 to 9999"


def parse(value: object) -> datetime:
    """The instant, UTC, cut to milliseconds; ValueError says what is wrong and what is allowed."""
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return from_number(value)
    raise ValueError("a time is RFC 3339 text or an integer of epoch milliseconds")


def from_number(millis: int) -> datetime:
    """The instant of a sender's epoch milliseconds; ValueError for what must be seconds."""
    if millis in _SECONDS:
        raise ValueError(f"ten digits are epoch seconds; send milliseconds, {millis}000")
    return from_millis(millis)


def from_millis(millis: int) -> datetime:
    """The instant that many milliseconds after 1970; ValueError outside the years 1970–9999."""
    try:
        return _checked(EPOCH + timedelta(milliseconds=millis))
    except OverflowError:
        raise ValueError(f"{_RANGE}; a number is epoch milliseconds") from None


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
        instant = _instant(text.upper())
    except ValueError as error:
        raise ValueError(f"the time does not exist: {error}") from None
    except OverflowError:
        raise ValueError(_RANGE) from None
    return _checked(instant.replace(microsecond=instant.microsecond // 1000 * 1000))


def _instant(text: str) -> datetime:
    if text[_SECOND] != "60":
        return datetime.fromisoformat(text).astimezone(UTC)
    before = datetime.fromisoformat(f"{text[:17]}59{text[19:]}").astimezone(UTC)
    tomorrow = before + timedelta(days=1)
    if (before.hour, before.minute, tomorrow.day) != (23, 59, 1):
        raise ValueError("second 60 is a leap second, at 23:59:60Z on the last day of a month")
    return before


def _checked(instant: datetime) -> datetime:
    if instant < EPOCH:
        raise ValueError(_RANGE)
    return instant
