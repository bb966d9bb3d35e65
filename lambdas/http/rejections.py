"""Why a record is refused: a code, a JSON pointer, and a message with the value and the fix."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from pydantic import ValidationError

from glue.types import INT64_MAX

_SHOWN = 60
_EXPECTED = {
    "int_type": "an integer",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "model_type": "an object",
    "finite_number": "a finite number",
}


class Rejection(Exception):
    """One record is refused."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message

    def to_json(self) -> dict[str, str]:
        """The `error` object of the answer."""
        return {"code": self.code, "field": self.field, "message": self.message}


def from_validation(
    error: ValidationError,
    event: str,
    fields: list[str],
    amounts: Collection[str] = (),
) -> Rejection:
    """The first error, in the order of the event's fields.

    `amounts` are the fields whose limit is a parameter of the deployment.
    """
    first: Any = error.errors(include_url=False)[0]
    where = pointer(*first["loc"])
    name = str(first["loc"][-1]) if first["loc"] else ""
    value, limits = first["input"], first.get("ctx", {})
    match first["type"]:
        case "missing":
            return Rejection("missing_field", where, f"{name} is missing; {event} needs it")
        case "extra_forbidden":
            message = f"{name[:_SHOWN]!r} is not a field of {event}; fields: {', '.join(fields)}"
            return Rejection("unknown_field", where, message)
        case "literal_error":
            message = f"{shown(value)} is not the type of {event}; send {limits['expected']}"
            return Rejection("type_mismatch", where, message)
        case "string_too_short" | "string_too_long" as kind:
            return _length(kind, where, value, limits)
        case "greater_than_equal":
            message = f"{shown(value)} is too small; send {limits['ge']} or more"
            return Rejection("out_of_range", where, message)
        case "less_than_equal":
            return too_large(where, value, limits["le"], is_amount=name in amounts)
        case "value_error":
            return Rejection("invalid_time", where, f"{shown(value)}: {limits['error']}")
        case kind:
            return _type(kind, where, value)


def too_large(where: str, value: float, maximum: float, *, is_amount: bool) -> Rejection:
    """The rejection of a number; the limit of an amount comes with its parameter's name."""
    parameter = ", the deployment's MaxAmount" if is_amount else ""
    message = f"{shown(value)} is too large; send {maximum} or less{parameter}"
    return Rejection("out_of_range", where, message)


def pointer(*path: str | int) -> str:
    """RFC 6901."""
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in path)


def shown(value: object) -> str:
    """A value for a message: short, and never nested."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str() if len(value) > _SHOWN:
            return f"{json.dumps(value[:_SHOWN])}… ({len(value)} characters)"
        case _:
            return json.dumps(value)


def _length(kind: str, where: str, value: str, limits: dict[str, Any]) -> Rejection:
    if kind == "string_too_short":
        minimum = limits["min_length"]
        return Rejection("too_short", where, f"{shown(value)}: send {minimum} or more characters")
    maximum = limits["max_length"]
    return Rejection("too_long", where, f"{shown(value)}: send {maximum} or fewer characters")


def _type(kind: str, where: str, value: object) -> Rejection:
    # The parser turns integers beyond 64 bits into floats.
    if kind == "int_type" and isinstance(value, float) and abs(value) >= INT64_MAX:
        return Rejection("out_of_range", where, f"{value:.0f} does not fit in 64 bits")
    expected = _EXPECTED.get(kind, kind.replace("_", " "))
    return Rejection("wrong_type", where, f"{shown(value)} is not {expected}; send {expected}")
