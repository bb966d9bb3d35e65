"""Parses and type-checks an expression against declared fields, and evaluates the checked form."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from cel_expr_python import cel
from google.protobuf.timestamp_pb2 import Timestamp as ProtoTimestamp

from glue.definitions import FEATURES
from glue.types import Boolean, Column, ColumnType, Double, Integer, String, Struct, Timestamp
from lambdas.definitions.cel import form
from lambdas.definitions.cel.bounds import Bounds
from lambdas.definitions.cel.descriptors import TIMESTAMP, Field, pool
from lambdas.definitions.cel.errors import EvaluationError, ExpressionError
from lambdas.definitions.cel.messages import explain

_PACKAGE = "sdp"
Variables = Mapping[str, tuple[Column, ...]]


@dataclass(frozen=True)
class Checked:
    """An expression that may be stored: its checked form, and the type of its result."""

    form: bytes
    result: str


class Checker:
    """Expressions over some variables, each a group of typed fields."""

    def __init__(self, variables: Variables) -> None:
        self._variables = variables
        messages: dict[str, dict[str, Field]] = {}
        for name, columns in variables.items():
            _add_message(messages, name, columns)
        self._pool = pool(_PACKAGE, messages)  # the environment does not keep it
        types = {name: cel.Type(f"{_PACKAGE}.{name}") for name in variables}
        self._env = cel.NewEnv(descriptor_pool=self._pool, variables=types)
        # Evaluated as maps: an absent field is an absent key, in the stream as here.
        names = [*variables, FEATURES]
        maps = dict.fromkeys(names, cel.Type.Map(cel.Type.STRING, cel.Type.DYN))
        self._runtime = cel.NewEnv(descriptor_pool=self._pool, variables=maps)

    def check(self, text: str, results: Collection[str] = ("bool",)) -> Checked:
        """The checked form. Raises ExpressionError with the position of what is wrong."""
        try:
            compiled = self._env.compile(text)
        except RuntimeError as error:
            raise explain(str(error), text, self._variables) from None
        checked = form.stored(compiled.serialize())
        bounds = Bounds(form.read(checked))
        bounds.check()
        for pattern, offset in bounds.patterns():
            self._check_pattern(pattern, offset)
        if bounds.result not in results:
            wanted = "true or false" if results == ("bool",) else " or ".join(sorted(results))
            raise ExpressionError(f"the result is a {bounds.result}; it must be {wanted}", 0)
        return Checked(checked, bounds.result)

    def _check_pattern(self, pattern: str, offset: int) -> None:
        """Compiled as it will be: by a match with it."""
        literal = "".join(f"\\U{ord(character):08x}" for character in pattern)
        value = self._env.compile(f'"".matches("{literal}")').eval(data={})
        if value.type() == cel.Type.ERROR:
            reason = str(value.value()).removeprefix("INVALID_ARGUMENT: ")
            raise ExpressionError(f"{reason}; the syntax is that of RE2", offset)

    def evaluate(self, checked: bytes, values: Mapping[str, Mapping[str, Any]]) -> Any:
        """The result for these values by field. Raises EvaluationError where there is none.

        Features are taken as they are where the checker was made without them.
        """
        expression = self._runtime.deserialize(form.as_serialized(checked))
        data = {FEATURES: dict(values.get(FEATURES, {}))} | {
            name: _values(columns, values.get(name, {}))
            for name, columns in self._variables.items()
        }
        value = expression.eval(data=data)
        if value.type() == cel.Type.ERROR:
            raise EvaluationError(_reason(str(value.value())))
        return value.plain_value()


def fields(checked: bytes, group: str) -> dict[str, str]:
    """The fields of a group that a checked form names, by name with their types.

    The type is "" where only has() names it. Raises ExpressionError for a form that cannot be read.
    """
    return Bounds(form.read(checked)).fields(group)


def _add_message(
    messages: dict[str, dict[str, Field]], name: str, columns: tuple[Column, ...]
) -> None:
    fields = messages.setdefault(name, {})
    for number, column in enumerate(columns, 1):
        inner = f"{name}_{column.name}"
        fields[column.name] = Field(number, _field_type(column.type, inner))
        if isinstance(column.type, Struct):
            _add_message(messages, inner, column.type.columns)


def _field_type(kind: ColumnType, inner: str) -> str:
    match kind:
        case String():
            return "string"
        case Integer():
            return "int64"
        case Double():
            return "double"
        case Boolean():
            return "bool"
        case Timestamp():
            return TIMESTAMP
        case Struct():
            return inner
    assert_never(kind)


def type_of(kind: ColumnType) -> str:
    """A field's type as an expression has it."""
    name = _field_type(kind, "message")
    return {"int64": "int", TIMESTAMP: "timestamp"}.get(name, name)


def _values(columns: tuple[Column, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        column.name: _value(column.type, values[column.name])
        for column in columns
        if values.get(column.name) is not None
    }


def _value(kind: ColumnType, value: Any) -> Any:
    match kind:
        case String() | Integer() | Boolean():
            return value
        case Double():
            return float(value)
        case Timestamp():
            return _timestamp(value)
        case Struct(columns):
            return _values(columns, value)
    assert_never(kind)


def _timestamp(instant: datetime) -> ProtoTimestamp:
    timestamp = ProtoTimestamp()
    timestamp.FromDatetime(instant)
    return timestamp


def _reason(error: str) -> str:
    """Without the name of the status."""
    return re.sub(r"^[A-Z_]+: ", "", error)
