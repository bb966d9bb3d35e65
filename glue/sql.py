"""Values in the text of SQL, as Flink, Athena and DuckDB all read them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def literals(values: str | Collection[str]) -> str:
    """One text or several as SQL literals, separated by commas."""
    return ", ".join(map(literal, [values] if isinstance(values, str) else values))


def timestamp(at: datetime) -> str:
    """An instant in UTC as a literal of a timestamp with milliseconds."""
    return f"TIMESTAMP '{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}'"
