"""Columns as a Glue table has them: Hive types, and each column's sentence as its comment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, assert_never

from glue.types import Boolean, Column, ColumnType, Double, Integer, String, Struct, Timestamp


class GlueColumn(NamedTuple):
    """One column of a Glue table."""

    name: str
    type: str
    comment: str


def glue_columns(columns: Iterable[Column]) -> tuple[GlueColumn, ...]:
    """The columns, in declared order."""
    return tuple(GlueColumn(c.name, hive_type(c.type), c.doc) for c in columns)


def hive_type(of: ColumnType) -> str:
    """The Hive type Glue, Firehose and Athena know the column by."""
    match of:
        case String():
            return "string"
        case Integer():
            return "bigint"
        case Double():
            return "double"
        case Boolean():
            return "boolean"
        case Timestamp():
            return "timestamp"
        case Struct(columns):
            return f"struct<{','.join(f'{c.name}:{hive_type(c.type)}' for c in columns)}>"
        case _:
            assert_never(of)
