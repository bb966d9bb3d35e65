"""Values in the text of SQL, as Flink, Athena and DuckDB all read them."""

from __future__ import annotations

from datetime import datetime


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def timestamp(at: datetime) -> str:
    """An instant in UTC as a literal of a timestamp with milliseconds."""
    return f"TIMESTAMP '{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}'"
