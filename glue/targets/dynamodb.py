"""A report's DynamoDB table: its key, and rows as items of attribute values.

Attribute values have the form of the DynamoDB API, `{"N": "12"}`; nothing here calls it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, assert_never

from glue.errors import SchemaError
from glue.instants import EPOCH, from_millis, to_millis
from glue.schema import VERSIONING, Schema
from glue.types import Boolean, Column, ColumnType, Double, Integer, String, Struct, Timestamp

Attribute = dict[str, Any]
Item = dict[str, Attribute]

# Beside the buckets of a key its table holds their sums and latest values, under a start that no
# bucket has, with the number of times that they were written and the start of the newest bucket.
TOTAL_PERIOD = -1
WRITES = "writes"
NEWEST = "newest"
VERSION = "version"
# DynamoDB's numbers: 38 digits, and nothing between these and zero.
SMALLEST, LARGEST = 1e-130, 9.9e125


@dataclass(frozen=True)
class KeyAttribute:
    """A key's name and its DynamoDB type."""

    name: str
    type: Literal["N", "S"]


def hash_key(report: Schema) -> KeyAttribute:
    """The report's key, the table's HASH; SchemaError where DynamoDB cannot key by its type."""
    return _key(report, report.key)


def range_key(report: Schema) -> KeyAttribute:
    """The start of the bucket, the table's RANGE."""
    return _key(report, report.period)


def _key(report: Schema, name: str) -> KeyAttribute:
    match report.column(name).type:
        case String():
            return KeyAttribute(name, "S")
        case Integer() | Timestamp():
            return KeyAttribute(name, "N")
        case other:
            raise SchemaError(f"{report.name}.{name}: a table is not keyed by {other!r}")


def item(report: Schema, row: Mapping[str, Any]) -> Item:
    """The item of a row: the report's columns and its version; absent values are left out."""
    return _item((*report.columns, *VERSIONING), row)


def total_key(report: Schema, key: Any) -> Item:
    """The key of the item that holds the sums over all buckets of a report's key."""
    column = report.column(report.key)
    return {column.name: attribute(column.type, key), report.period: {"N": str(TOTAL_PERIOD)}}


def has_records(item: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a bucket counts any record; one that a replay has emptied has version 0."""
    return item.get(VERSION) != {"N": "0"}


def watermark(item: Mapping[str, Mapping[str, Any]] | None) -> datetime | None:
    """Up to where event time has come, from a use case's item of progress; None before its first.

    Not all of these instants are within the years that an event may have.
    """
    return EPOCH + timedelta(milliseconds=int(item["watermark"]["N"])) if item else None


def row(report: Schema, item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The report's columns of an item."""
    return {c.name: value(c.type, item[c.name]) for c in report.columns if c.name in item}


def _item(columns: tuple[Column, ...], row: Mapping[str, Any]) -> Item:
    return {c.name: attribute(c.type, row[c.name]) for c in columns if row.get(c.name) is not None}


def attribute(kind: ColumnType, value: Any) -> Attribute:
    """A value as DynamoDB holds it; timestamps are epoch milliseconds."""
    match kind:
        case String():
            return {"S": value}
        case Integer():
            return {"N": str(int(value))}
        case Double():
            return {"N": repr(float(value) if abs(value) >= SMALLEST else 0.0)}
        case Boolean():
            return {"BOOL": value}
        case Timestamp():
            return {"N": str(to_millis(value))}
        case Struct(columns):
            return {"M": _item(columns, value)}
    assert_never(kind)


def value(kind: ColumnType, attribute: Mapping[str, Any]) -> Any:
    """The value DynamoDB holds; the reverse of `attribute`."""
    match kind:
        case String():
            return attribute["S"]
        case Integer():
            return int(Decimal(attribute["N"]))  # of 38 digits, perhaps with an exponent
        case Double():
            return float(attribute["N"])
        case Boolean():
            return attribute["BOOL"]
        case Timestamp():
            return from_millis(int(attribute["N"]))
        case Struct(columns):
            held = attribute["M"]
            return {c.name: value(c.type, held[c.name]) for c in columns if c.name in held}
    assert_never(kind)
