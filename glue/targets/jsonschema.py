"""A schema as JSON Schema 2020-12: the records of its stream, and the released versions.

`x-` members keep what JSON Schema has no word for, so that compatibility can be judged from the
file alone.
"""

from __future__ import annotations

from typing import Any, assert_never

from glue.schema import ENVELOPE, VERSIONING, Kind, Schema
from glue.types import (
    INT64_MAX,
    INT64_MIN,
    Boolean,
    Column,
    ColumnType,
    Double,
    Fold,
    Integer,
    String,
    Struct,
    Timestamp,
)

Json = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(schema: Schema) -> Json:
    """The schema of one record on the schema's stream."""
    return {
        "$schema": DIALECT,
        "title": schema.name,
        "description": schema.doc,
        "x-kind": schema.kind.value,
        "x-stream": schema.stream,
        "x-key": schema.key,
        **_kind_members(schema),
        **_object(stream_columns(schema)),
    }


def stream_columns(schema: Schema) -> tuple[Column, ...]:
    """What a record on the stream carries: the declared fields and the platform's own."""
    match schema.kind:
        case Kind.EVENT:
            return (*ENVELOPE, *schema.columns)
        case Kind.RECORD:
            return schema.columns
        case Kind.REPORT:
            return (*schema.columns, *VERSIONING)
        case _:
            assert_never(schema.kind)


def _kind_members(schema: Schema) -> Json:
    match schema.kind:
        case Kind.EVENT:
            return {"x-type": schema.type, "x-aliases": list(schema.aliases)}
        case Kind.RECORD:
            return {}
        case Kind.REPORT:
            folds: Json = {
                f"x-{fold}": [column.name for column in schema.folded(fold)]
                for fold in Fold
                if fold is not Fold.SUM and schema.folded(fold)
            }
            return {"x-path": schema.path, "x-period": schema.period} | folds
        case _:
            assert_never(schema.kind)


def _object(columns: tuple[Column, ...]) -> Json:
    return {
        "type": "object",
        "properties": {c.name: _type(c.type) | {"description": c.doc} for c in columns},
        "required": [c.name for c in columns if c.required],
    }


def _type(of: ColumnType) -> Json:
    match of:
        case String(low, high):
            return {"type": "string"} | _present(minLength=low or None, maxLength=high)
        case Integer(low, high, amount):
            # The limit of an amount is a deployment's, which may change; the schema is released.
            bounds = _present(
                minimum=None if low == INT64_MIN else low,
                maximum=None if amount or high == INT64_MAX else high,
            )
            return {"type": "integer", "format": "int64"} | bounds
        case Double(minimum, maximum):
            return {"type": "number"} | _present(minimum=minimum, maximum=maximum)
        case Boolean():
            return {"type": "boolean"}
        case Timestamp():
            return {"type": "string", "format": "date-time"}
        case Struct(columns):
            return _object(columns)
        case _:
            assert_never(of)


def _present(**members: float | None) -> Json:
    return {name: value for name, value in members.items() if value is not None}
