"""Values as SQL literals for both Athena and the local engine, always quoted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

from glue import instants, sql
from glue.parameters import parse_duration

NONE = "none"
_AGO = re.compile(r"-(P.+)")


def literal(type_: str, text: str, now: datetime) -> str:
    """The text as a literal of the type. Raises ValueError with what the type accepts.

    `none` is NULL. An instant or date may be `now`, or `now` minus a duration as in `-P1D`.
    """
    if type_ not in _WRITERS:
        raise ValueError(f"type {type_!r} is not one of {sorted(_WRITERS)}")
    if text == NONE:
        return f"CAST(NULL AS {_NULLS[type_]})"
    return _WRITERS[type_](text, now)


def _text(text: str, _: datetime) -> str:
    if "\0" in text:
        raise ValueError("text must not contain NUL")
    return sql.literal(text)


def _integer(text: str, _: datetime) -> str:
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        raise ValueError(f"{text!r} is not an integer")
    return str(int(text))


def _number(text: str, _: datetime) -> str:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a number")
    return f"CAST({value!r} AS DOUBLE)"


def _boolean(text: str, _: datetime) -> str:
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text


def _date(text: str, now: datetime) -> str:
    if (moment := _relative(text, now)) is not None:
        return f"DATE '{moment:%Y-%m-%d}'"
    try:
        return f"DATE '{date.fromisoformat(text).isoformat()}'"
    except ValueError as error:
        raise ValueError(f"{text!r} must be a date like 2026-11-21, 'now' or '-P1D'") from error


def _instant(text: str, now: datetime) -> str:
    moment = _relative(text, now)
    try:
        moment = instants.parse(text) if moment is None else moment
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}; or 'now', or '-P1D'") from error
    return sql.timestamp(moment)


def _relative(text: str, now: datetime) -> datetime | None:
    ago = _AGO.fullmatch(text)
    if text == "now" or ago:
        return now - (parse_duration(ago[1]) if ago else timedelta(0))
    return None


_WRITERS: dict[str, Callable[[str, datetime], str]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "instant": _instant,
}
_NULLS = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "instant": "TIMESTAMP",
}
