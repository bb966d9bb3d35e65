"""Columns and the closed union of their types. Each target maps it with an exhaustive match."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# The largest amount unless a deployment says otherwise: sums of millions of them fit in 64 bits.
MAX_AMOUNT = 1_000_000_000_000


class Amount:
    """Annotates an integer field that reports add up: a deployment limits its values (MaxAmount).

    Without a limit, two records can make a sum that no 64-bit column holds.
    """


class Latest:
    """Annotates a field of a report that has a state, not a count, as a balance or a level.

    Of several buckets the value of the newest one is reported, and not the sum.
    """


class Minimum:
    """Annotates a number of a report of which the least over several buckets is reported."""


class Maximum:
    """Annotates a number of a report of which the greatest over several buckets is reported."""


@dataclass(frozen=True)
class Ratio:
    """A number that the answers of a report have beside its measures: one sum by others.

    `of` and `over` are measures that are added up over buckets; so the ratio of several buckets is
    that of their sums, and not a mean of means. It is null where those of `over` add up to 0.
    """

    name: str
    of: str
    over: tuple[str, ...]
    doc: str


class Fold(StrEnum):
    """What several buckets make of a measure."""

    SUM = "sum"
    LATEST = "latest"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"


@dataclass(frozen=True)
class String:
    """Text; lengths in characters."""

    min_length: int = 0
    max_length: int | None = None


@dataclass(frozen=True)
class Integer:
    """A 64-bit signed integer; bounds are inclusive.

    The upper bound of an `amount` is the deployment's.
    """

    minimum: int = INT64_MIN
    maximum: int = INT64_MAX
    amount: bool = False


@dataclass(frozen=True)
class Double:
    """A 64-bit IEEE 754 number; bounds are inclusive."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Boolean:
    """True or false."""


@dataclass(frozen=True)
class Timestamp:
    """An instant in UTC, milliseconds; on the wire RFC 3339 with three decimals and `Z`."""


@dataclass(frozen=True)
class Struct:
    """A nested group of columns."""

    columns: tuple[Column, ...]


ColumnType = String | Integer | Double | Boolean | Timestamp | Struct


@dataclass(frozen=True)
class Column:
    """One field: its name, type, whether it may be absent, and what it means.

    `fold` is what several buckets of a report make of it.
    """

    name: str
    type: ColumnType
    required: bool
    doc: str
    fold: Fold = Fold.SUM
