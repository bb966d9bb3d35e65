"""Columns as DuckDB has them, for code that reads and writes the lake's Parquet files."""

from __future__ import annotations

from typing import assert_never

from glue.types import Boolean, ColumnType, Double, Integer, String, Struct, Timestamp


def duckdb_type(of: ColumnType) -> str:
    """The type that a Parquet column of this kind is read as and written from."""
    match of:
        case String():
            return "VARCHAR"
        case Integer():
            return "BIGINT"
        case Double():
            return "DOUBLE"
        case Boolean():
            return "BOOLEAN"
        case Timestamp():
            return "TIMESTAMP_MS"  # the unit that every file of the lake has
        case Struct(columns):
            inner = ", ".join(f"{quoted(c.name)} {duckdb_type(c.type)}" for c in columns)
            return f"STRUCT({inner})"
        case _:
            assert_never(of)


def quoted(name: str) -> str:
    """An identifier, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'
