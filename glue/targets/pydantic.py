"""An event as a pydantic model: strict, closed, compiled once. The API validates with it.

Beside the event's own fields a sender may name `type`, `event_id` and `occurred_at`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, assert_never

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    create_model,
)

from glue import instants
from glue.schema import ENVELOPE, Schema
from glue.types import Boolean, Column, ColumnType, Double, Integer, String, Struct, Timestamp

_CONFIG = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
_DOCS = {column.name: column.doc for column in ENVELOPE}
# Kinesis takes partition keys of 1 to 256 characters.
_KEY_LENGTH = 256

Instant = Annotated[
    Any,
    PlainValidator(instants.parse),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "integer", "minimum": 0, "description": "Epoch milliseconds."},
            ]
        }
    ),
]


def event_model(schema: Schema) -> type[BaseModel]:
    """The model of what may be sent for this event; unknown fields and coercion are refused."""
    names = (schema.type, *schema.aliases)
    fields: dict[str, Any] = {
        "type": (Literal[names] | None, Field(None, description=_DOCS["type"])),
        "event_id": (
            Annotated[str, Field(min_length=1, max_length=128)] | None,
            Field(None, description=_DOCS["event_id"]),
        ),
        "occurred_at": (Instant | None, Field(None, description=_DOCS["occurred_at"])),
    }
    for column in schema.columns:
        fields[column.name] = _field(column, key=column.name == schema.key)
    return create_model(schema.name, __config__=_CONFIG, __doc__=schema.doc, **fields)


def _field(column: Column, *, key: bool = False) -> tuple[Any, Any]:
    hint = annotation(_as_key(column.type) if key else column.type, column.name)
    if column.required:
        return hint, Field(..., description=column.doc)
    return hint | None, Field(None, description=column.doc)


def _as_key(kind: ColumnType) -> ColumnType:
    if not isinstance(kind, String):
        return kind
    return String(max(1, kind.min_length), min(_KEY_LENGTH, kind.max_length or _KEY_LENGTH))


def annotation(kind: ColumnType, name: str = "") -> Any:
    """The Python type, with its limits, that pydantic validates a column's values by."""
    match kind:
        case String(low, high):
            return Annotated[str, Field(min_length=low or None, max_length=high)]
        case Integer(minimum, maximum):
            return Annotated[int, Field(ge=minimum, le=maximum)]
        case Double(floor, ceiling):
            return Annotated[float, Field(ge=floor, le=ceiling)]
        case Boolean():
            return bool
        case Timestamp():
            return Instant
        case Struct(columns):
            fields: dict[str, Any] = {column.name: _field(column) for column in columns}
            return create_model(name.title().replace("_", ""), __config__=_CONFIG, **fields)
        case _:
            assert_never(kind)
