"""Values in the text of SQL, as Flink, Athena and DuckDB all read them, and of Athena's results."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

INTEGERS = ("tinyint", "smallint", "integer", "int", "bigint")
FLOATS = ("float", "real", "double")


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def literals(values: str | Collection[str]) -> str:
    """One text or several as SQL literals, separated by commas."""
    return ", ".join(map(literal, [values] if isinstance(values, str) else values))


def timestamp(at: datetime) -> str:
    """An instant in UTC as a literal of a timestamp with milliseconds."""
    return f"TIMESTAMP '{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}'"


def value(type_: str, text: str | None) -> Any:
    """The value of a cell: numbers and booleans, None for NULL, otherwise text."""
    if text is None:
        return None
    if type_ in INTEGERS:
        return int(text)
    if type_ in FLOATS:
        return float(text)
    if type_ == "decimal":
        return Decimal(text)
    if type_ == "boolean":
        return text == "true"
    return text
