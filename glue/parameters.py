"""The deployment's parameters: durations in ISO 8601 and MaxAmount, checked once, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from glue.errors import ParameterError
from glue.types import MAX_AMOUNT

_DURATION = re.compile(
    r"^P(?=.)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?$",
    re.ASCII,
)
_NAME = re.compile(r"[A-Z][A-Za-z]+")
_DAY = timedelta(days=1)
_QUARTER = timedelta(minutes=15)
_LONGEST = timedelta(days=30)

_DURATIONS: Mapping[str, str] = {
    "AggregationPeriod": "PT5M",
    "CorrelationWindow": "PT1H",
    "AllowedLateness": "PT1H",
}
DEFAULTS: Mapping[str, str] = {**_DURATIONS, "MaxAmount": str(MAX_AMOUNT)}
# Above it, a few thousand records could make a sum of more than 64 bits.
LARGEST_AMOUNT = 10**15


def parse_duration(text: str) -> timedelta:
    """A duration of weeks, days, hours, minutes and whole seconds; ValueError for all else.

    Years and months are no durations: their length depends on the calendar.
    """
    found = _DURATION.match(text)
    if found is None:
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as PT5M or P1DT12H")
    try:
        return timedelta(**{unit: int(n) for unit, n in found.groupdict().items() if n})
    except OverflowError as error:
        raise ValueError(f"{text!r} is too long") from error


def format_duration(value: timedelta) -> str:
    """The shortest ISO 8601 form of a duration of whole seconds."""
    seconds = int(value.total_seconds())
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3_600)
    minutes, seconds = divmod(seconds, 60)
    time = "".join(f"{n}{u}" for n, u in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    if not days and not time:
        return "PT0S"
    return "P" + (f"{days}D" if days else "") + (f"T{time}" if time else "")


def check_names(names: Iterable[str]) -> None:
    """ParameterError for a name that is written like a parameter's and is none.

    A deployment is also told other things, under names that begin with a small letter.
    """
    for name in names:
        if _NAME.fullmatch(name) and name not in DEFAULTS:
            raise ParameterError(f"{name}: no such parameter; parameters: {sorted(DEFAULTS)}")


@dataclass(frozen=True)
class Parameters:
    """What a deployment may choose about time, and the largest amount that an event may carry.

    `aggregation_period` is the length of a bucket: it divides 15 minutes, or is a multiple of
    them and divides a day, so that buckets add up to the calendar units of every time zone.
    """

    aggregation_period: timedelta
    correlation_window: timedelta
    allowed_lateness: timedelta
    max_amount: int = MAX_AMOUNT

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Parameters:
        """Parameters from their names in the deployment; absent ones have their default.

        Raises ParameterError naming the parameter, its value and what is wrong with it.
        """
        parsed = {
            name: _duration(name, values.get(name, text)) for name, text in _DURATIONS.items()
        }
        period = parsed["AggregationPeriod"]
        if not _fits_calendar(period):
            raise ParameterError(
                f"AggregationPeriod={format_duration(period)}: must divide 15 minutes, or be a "
                "multiple of them that divides a day"
            )
        if not parsed["CorrelationWindow"]:
            raise ParameterError("CorrelationWindow=PT0S: must be longer than nothing")
        amount = _amount("MaxAmount", values.get("MaxAmount", DEFAULTS["MaxAmount"]))
        return cls(period, parsed["CorrelationWindow"], parsed["AllowedLateness"], amount)

    def to_strings(self) -> dict[str, str]:
        """The parameters under their names in the deployment, as `parse` takes them."""
        return {
            "AggregationPeriod": format_duration(self.aggregation_period),
            "CorrelationWindow": format_duration(self.correlation_window),
            "AllowedLateness": format_duration(self.allowed_lateness),
            "MaxAmount": str(self.max_amount),
        }


def _duration(name: str, value: object) -> timedelta:
    try:
        duration = parse_duration(value) if isinstance(value, str) else None
    except ValueError as error:
        raise ParameterError(f"{name}: {error}") from error
    if duration is None:
        raise ParameterError(f"{name}: {value!r} is not an ISO 8601 duration such as PT5M")
    if duration > _LONGEST:
        raise ParameterError(f"{name}={value}: longer than {format_duration(_LONGEST)}")
    return duration


def _amount(name: str, value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"[1-9]\d{0,15}", value, re.ASCII):
        raise ParameterError(f"{name}={value}: must be an integer from 1 to {LARGEST_AMOUNT}")
    if int(value) > LARGEST_AMOUNT:
        raise ParameterError(f"{name}={value}: must be at most {LARGEST_AMOUNT}")
    return int(value)


def _fits_calendar(period: timedelta) -> bool:
    if not period:
        return False
    return not _QUARTER % period or not (period % _QUARTER or _DAY % period)
