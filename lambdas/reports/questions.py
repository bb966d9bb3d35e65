"""The query parameters, parsed strictly; errors name the parameter."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from glue import Integer, Schema, String, instants
from lambdas.http.queries import Instant
from lambdas.reports.calendar import Unit

# The last second of the year 9999: no time is later.
END = 253_402_300_799
_NOT_OFFERED = {"localtime", "Factory"}


def _unit(text: Any) -> Unit:
    try:
        return Unit(str(text).upper())
    except ValueError:
        choices = ", ".join(Unit)
        raise ValueError(f"{text!r} is not one of {choices}") from None


def _zone(text: Any) -> ZoneInfo:
    # Looked up in the list, not in the file system: a name is not a path.
    if text not in zones():
        raise ValueError(f"{text!r} is not a time zone of the IANA database, as Europe/Berlin is")
    return ZoneInfo(text)


@cache
def zones() -> frozenset[str]:
    """Every zone that a query may name; not those that mean the machine's own setting."""
    return frozenset(available_timezones() - _NOT_OFFERED)


class TotalsQuery(BaseModel):
    """The range of a query. A bucket is in it if its start is in [from, to)."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    from_: Instant | None = Field(
        None, alias="from", description="First moment: RFC 3339, or epoch milliseconds."
    )
    to: Instant | None = Field(None, description="End of the range, not included.")


class PeriodQuery(TotalsQuery):
    """The parameters of `/period`: the range, and how it is divided and paged."""

    period: Annotated[Unit, BeforeValidator(_unit)] = Field(
        Unit.HOURS, description="The calendar unit of a row, in any case."
    )
    timezone: Annotated[ZoneInfo, BeforeValidator(_zone, json_schema_input_type=str)] = Field(
        ZoneInfo("UTC"), description="IANA time zone of the calendar."
    )
    desc: bool = Field(False, description="The latest period first.")
    limit: int = Field(100, ge=1, le=1000, description="Maximum number of rows.")
    next: str | None = Field(None, description="The `next` of the previous page.")


def seconds(moment: datetime) -> int:
    """The first whole epoch second at or after the instant, at most the last of the year 9999."""
    return min(-(-instants.to_millis(moment.astimezone(UTC)) // 1000), END)


def key_of(report: Schema, text: str) -> Any:
    """The key in a path. Raises ValueError if the report cannot have it."""
    match report.column(report.key).type:
        case Integer(low, high):
            # Canonical digits only: 7, 07 and +7 must not name the same key.
            if not re.fullmatch(r"0|-?[1-9]\d{0,18}", text, re.ASCII):
                raise ValueError(f"{text!r} is not an integer")
            if not low <= int(text) <= high:
                raise ValueError(f"{text} is not between {low} and {high}")
            return int(text)
        case String(low, high):
            if not low <= len(text) <= (high or len(text)):
                raise ValueError(f"is not between {low} and {high} characters long")
            return text
        case other:
            raise TypeError(f"{report.name} is keyed by {other}")
