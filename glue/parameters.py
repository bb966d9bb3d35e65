"""The parameters of a deployment: what is declared, and the values that one use case runs with.

Every use case has the parameters of `PLATFORM`; it declares its own beside them. A deployment sets
`Name` for every use case that has such a parameter, or `use_case.Name` for one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, assert_never, cast

from glue.errors import ParameterError
from glue.types import MAX_AMOUNT

_DURATION = re.compile(
    r"^P(?=.)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?$",
    re.ASCII,
)
_NAME = re.compile(r"[A-Z][A-Za-z0-9]+")
_KEY = re.compile(rf"(?:[a-z][a-z0-9_-]*\.)?{_NAME.pattern}")
_DAY = timedelta(days=1)
_QUARTER = timedelta(minutes=15)
# Above it, a few thousand records could make a sum of more than 64 bits.
LARGEST_AMOUNT = 10**15

Value = timedelta | int | float | str


def parse_duration(text: str) -> timedelta:
    """A duration of weeks, days, hours, minutes and whole seconds; ValueError for all else.

    Years and months are not durations: their length depends on the calendar.
    """
    match = _DURATION.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as PT5M or P1DT12H")
    try:
        return timedelta(**{unit: int(n) for unit, n in match.groupdict().items() if n})
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


class Role(StrEnum):
    """What a duration means to the platform, beyond what the use case's SQL makes of it.

    A row of a report is final once the watermark has passed its end by all windows and lateness.
    What is computed again reads records before and behind its range as far as the roles say.
    """

    WINDOW = "window"  # how far apart records may be that decide each other's outcome
    LATENESS = "lateness"  # how far behind the watermark a record may be that still counts
    REACH = "reach"  # how far apart records may be that one result is made of; delays nothing
    ANSWER = "answer"  # how long an answer may wait for what it answers; no report counts answers


@dataclass(frozen=True)
class Duration:
    """An ISO 8601 duration; bounds are inclusive. `event` is the type of the answers of a role."""

    low: str = "PT0S"
    high: str = "P30D"
    role: Role | None = None
    event: str = ""


@dataclass(frozen=True)
class Bucket:
    """A duration by which buckets add up to the calendar units of every time zone."""


@dataclass(frozen=True)
class Whole:
    """An integer; bounds are inclusive. `unit` is for people."""

    low: int
    high: int
    unit: str = "number"


@dataclass(frozen=True)
class Number:
    """A decimal number; bounds are inclusive."""

    low: float
    high: float


@dataclass(frozen=True)
class Text:
    """One to `max_length` characters."""

    max_length: int = 256


@dataclass(frozen=True)
class Form:
    """Text that a regular expression matches as a whole; `allowed` describes it for people."""

    pattern: str
    allowed: str


ParameterType = Duration | Bucket | Whole | Number | Text | Form


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, type with bounds, default as text, and a sentence on what it does.

    Its value is at least that of the parameter `at_least`, of the same type. Raises ParameterError
    where the name or the default is invalid.
    """

    name: str
    type: ParameterType
    default: str
    doc: str
    at_least: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ParameterError(
                f"{self.name!r} is not a parameter's name: a capital letter, then letters and "
                "digits, as MaxAmount"
            )
        if not self.doc.strip():
            raise ParameterError(f"{self.name}: needs a sentence on what it does")
        self.parse(self.default)

    @property
    def allowed(self) -> str:
        """The allowed values, for people."""
        match self.type:
            case Duration(low, high) | Whole(low, high) | Number(low, high):
                return f"{low} to {high}"
            case Bucket():
                return "divides 15 minutes, or is a multiple of them that divides a day"
            case Text(length):
                return f"1 to {length} characters"
            case Form(allowed=allowed):
                return allowed
        assert_never(self.type)

    @property
    def unit(self) -> str:
        """The unit or form of the values, for people."""
        match self.type:
            case Duration() | Bucket():
                return "ISO 8601 duration"
            case Whole(unit=unit):
                return unit
            case Number():
                return "number"
            case Text() | Form():
                return "text"
        assert_never(self.type)

    def parse(self, value: object) -> Value:
        """The value of a text; ParameterError names the parameter, the value and the choices."""
        try:
            if not isinstance(value, str):
                raise ValueError(f"{value!r} is not text")
            return _parse(self.type, value)
        except ValueError as error:
            raise ParameterError(f"{self.name}: {error}") from error
        except _OutOfRange:
            raise ParameterError(f"{self.name}={value}: must {self._must}") from None

    @property
    def _must(self) -> str:
        match self.type:
            case Bucket():
                return "divide 15 minutes, or be a multiple of them that divides a day"
            case Whole():
                return f"be an integer from {self.allowed}"
            case _:
                return f"be {self.allowed}"


class _OutOfRange(Exception):
    """A value of the right type, beyond its bounds."""


def _parse(kind: ParameterType, text: str) -> Value:
    match kind:
        case Duration(low, high):
            duration = parse_duration(text)
            _require(parse_duration(low) <= duration <= parse_duration(high))
            return duration
        case Bucket():
            duration = parse_duration(text)
            _require(_fits_calendar(duration))
            return duration
        case Whole(minimum, maximum):
            _require(
                re.fullmatch(r"-?\d{1,19}", text, re.ASCII) and minimum <= int(text) <= maximum
            )
            return int(text)
        case Number(bottom, top):
            decimal = re.fullmatch(r"-?\d{1,19}(\.\d{1,19})?", text, re.ASCII)
            _require(decimal and bottom <= float(text) <= top)
            return float(text)
        case Text(length):
            _require(1 <= len(text) <= length)
            return text
        case Form(pattern):
            _require(re.fullmatch(pattern, text, re.ASCII))
            return text
    assert_never(kind)


def _require(holds: object) -> None:
    if not holds:
        raise _OutOfRange


def _fits_calendar(period: timedelta) -> bool:
    if not period:
        return False
    return not _QUARTER % period or not (period % _QUARTER or _DAY % period)


PLATFORM: tuple[Parameter, ...] = (
    Parameter("AggregationPeriod", Bucket(), "PT5M", "Length of a bucket of a report."),
    Parameter(
        "MaxAmount",
        Whole(1, LARGEST_AMOUNT, "micro-units"),
        str(MAX_AMOUNT),
        "Largest amount (a price) that an event may carry.",
    ),
    Parameter(
        "WatermarkDelay",
        Duration("PT0S", "PT15M"),
        "PT5S",
        "How far the watermark stays behind the largest event time of each shard: events that are "
        "out of order by no more than this are never late.",
    ),
)


@dataclass(frozen=True)
class Parameters:
    """The values that one use case runs with, by name. `declared` are its parameters."""

    declared: tuple[Parameter, ...] = PLATFORM
    values: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def parse(
        cls, values: Mapping[str, object], use_case: str = "", own: Iterable[Parameter] = ()
    ) -> Parameters:
        """A use case's parameters from a deployment's; absent ones have their default.

        `use_case.Name` is taken before `Name`. Raises ParameterError naming the parameter.
        """
        declared = (*PLATFORM, *own)
        parsed = {
            p.name: p.parse(values.get(f"{use_case}.{p.name}", values.get(p.name, p.default)))
            for p in declared
        }
        for parameter in declared:
            if parameter.at_least:
                _check_at_least(parameter, parsed)
        return cls(declared, parsed)

    def __getitem__(self, name: str) -> Value:
        try:
            return self.values[name]
        except KeyError:
            raise ParameterError(
                f"{name}: unknown parameter; parameters: {sorted(self.values)}"
            ) from None

    @property
    def aggregation_period(self) -> timedelta:
        """The length of a bucket."""
        return cast(timedelta, self["AggregationPeriod"])

    @property
    def max_amount(self) -> int:
        """The largest amount that an event may carry."""
        return cast(int, self["MaxAmount"])

    @property
    def watermark_delay(self) -> timedelta:
        """How far the watermark stays behind the largest event time of each shard."""
        return cast(timedelta, self["WatermarkDelay"])

    @property
    def window(self) -> timedelta:
        """How far apart records may be that decide each other's outcome."""
        return self._of_role(Role.WINDOW)

    @property
    def lateness(self) -> timedelta:
        """How far behind the watermark a record may be that still counts."""
        return self._of_role(Role.LATENESS)

    @property
    def reach(self) -> timedelta:
        """How far apart records may be that one result is made of."""
        return self._of_role(Role.REACH)

    @property
    def settling(self) -> timedelta:
        """How far the watermark must have passed a moment before nothing can change it."""
        return self.window + self.lateness

    def waiting(self, event: str = "") -> timedelta:
        """How long after its time an event may wait for what it answers; without a type, any event.

        Until then it can be matched: its operator takes what it answers `WatermarkDelay` late.
        """
        durations = [
            cast(timedelta, self[p.name]) + self.watermark_delay
            for p in self._with_role(Role.ANSWER)
            if event in ("", cast(Duration, p.type).event)
        ]
        return max(durations, default=timedelta(0))

    def named(self, role: Role) -> str:
        """The names of the parameters of a role, for people; empty if there are none."""
        return " + ".join(p.name for p in self._with_role(role))

    def to_strings(self) -> dict[str, str]:
        """The parameters as `parse` takes them."""
        return {name: to_text(value) for name, value in self.values.items()}

    def _of_role(self, role: Role) -> timedelta:
        durations = (cast(timedelta, self[p.name]) for p in self._with_role(role))
        return sum(durations, timedelta(0))

    def _with_role(self, role: Role) -> list[Parameter]:
        return [p for p in self.declared if isinstance(p.type, Duration) and p.type.role is role]


def _check_at_least(parameter: Parameter, parsed: Mapping[str, Value]) -> None:
    value: Any = parsed[parameter.name]
    lower: Any = parsed[parameter.at_least]
    if value < lower:
        raise ParameterError(
            f"{parameter.name}={to_text(value)}: must be at least {parameter.at_least}, which is "
            f"{to_text(lower)}; set a larger {parameter.name} or a smaller {parameter.at_least}"
        )


def to_text(value: Value) -> str:
    """A value as `Parameter.parse` takes it."""
    match value:
        case timedelta():
            return format_duration(value)
        case float():
            return f"{value:f}".rstrip("0").rstrip(".")
        case _:
            return str(value)


def together(parameters: Mapping[str, Parameters]) -> dict[str, str]:
    """The parameters of several use cases as a deployment sets them.

    `Name` where all use cases that have the parameter agree, else `use_case.Name` for each.
    """
    values: dict[str, dict[str, str]] = {}
    for use_case, own in parameters.items():
        for name, text in own.to_strings().items():
            values.setdefault(name, {})[use_case] = text
    texts: dict[str, str] = {}
    for name, by_use_case in values.items():
        if len(set(by_use_case.values())) == 1:
            texts[name] = next(iter(by_use_case.values()))
        else:
            texts |= {f"{use_case}.{name}": text for use_case, text in by_use_case.items()}
    return texts


def is_parameter(key: str) -> bool:
    """Whether a deployment's key is written like a parameter's name."""
    return bool(_KEY.fullmatch(key))


def check_names(keys: Iterable[str], declared: Mapping[str, Iterable[Parameter]]) -> None:
    """ParameterError for a key that is written like a parameter's and is unknown.

    `declared` are the parameters of each use case's own. A deployment's other settings have names
    that begin with a small letter.
    """
    shared = {p.name for p in PLATFORM}
    names = shared | {p.name for own in declared.values() for p in own}
    for key in filter(is_parameter, keys):
        use_case, dot, name = key.rpartition(".")
        if dot and use_case not in declared:
            raise ParameterError(f"{key}: unknown use case; use cases: {sorted(declared)}")
        known = shared | {p.name for p in declared[use_case]} if dot else names
        if name not in known:
            raise ParameterError(f"{key}: unknown parameter; parameters: {sorted(known)}")
