"""The checked form of an expression: `cel.expr.CheckedExpr`, read without generated code.

Field numbers: github.com/google/cel-spec, proto/cel/expr/checked.proto and syntax.proto. Maps are
read as what they are on the wire: repeated entries of key and value. What is not read here stays
in the message as an unknown field.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from lambdas.definitions.cel.descriptors import Field, Messages, pool
from lambdas.definitions.cel.errors import ExpressionError

_PACKAGE = "cel.expr"
_MESSAGES: Messages = {
    "CheckedExpr": {
        "reference_map": Field(2, "ReferenceEntry", True),
        "type_map": Field(3, "TypeEntry", True),
        "expr": Field(4, "Expr"),
        "source_info": Field(5, "SourceInfo"),
    },
    "ReferenceEntry": {"key": Field(1, "int64"), "value": Field(2, "Reference")},
    "TypeEntry": {"key": Field(1, "int64"), "value": Field(2, "Type")},
    "Reference": {"name": Field(1, "string"), "overload_id": Field(3, "string", True)},
    "SourceInfo": {
        "positions": Field(4, "PositionEntry", True),
        "macro_calls": Field(5, "MacroEntry", True),
    },
    "MacroEntry": {"key": Field(1, "int64"), "value": Field(2, "Expr")},
    "PositionEntry": {"key": Field(1, "int64"), "value": Field(2, "int32")},
    "Type": {
        "primitive": Field(3, "int32"),
        "well_known": Field(5, "int32"),
        "list_type": Field(6, "ListType"),
        "map_type": Field(7, "MapType"),
        "message_type": Field(9, "string"),
    },
    "ListType": {"elem_type": Field(1, "Type")},
    "MapType": {"key_type": Field(1, "Type"), "value_type": Field(2, "Type")},
    "Expr": {
        "id": Field(2, "int64"),
        "const_expr": Field(3, "Constant"),
        "ident_expr": Field(4, "Ident"),
        "select_expr": Field(5, "Select"),
        "call_expr": Field(6, "Call"),
        "list_expr": Field(7, "CreateList"),
        "struct_expr": Field(8, "CreateStruct"),
        "comprehension_expr": Field(9, "Comprehension"),
    },
    "Constant": {"int64_value": Field(3, "int64"), "string_value": Field(6, "string")},
    "Ident": {"name": Field(1, "string")},
    "Select": {
        "operand": Field(1, "Expr"),
        "field": Field(2, "string"),
        "test_only": Field(3, "bool"),
    },
    "Call": {
        "target": Field(1, "Expr"),
        "function": Field(2, "string"),
        "args": Field(3, "Expr", True),
    },
    "CreateList": {"elements": Field(1, "Expr", True)},
    "CreateStruct": {"message_name": Field(1, "string"), "entries": Field(2, "Entry", True)},
    "Entry": {"map_key": Field(3, "Expr"), "value": Field(4, "Expr")},
    "Comprehension": {
        "iter_range": Field(2, "Expr"),
        "accu_init": Field(4, "Expr"),
        "loop_condition": Field(5, "Expr"),
        "loop_step": Field(6, "Expr"),
        "result": Field(7, "Expr"),
    },
}
_CHECKED: Any = GetMessageClass(
    pool(_PACKAGE, _MESSAGES).FindMessageTypeByName(f"{_PACKAGE}.CheckedExpr")
)
_PRIMITIVES = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}
_WELL_KNOWN = {1: "any", 2: "timestamp", 3: "duration"}


def stored(serialized: bytes) -> bytes:
    """The message alone, which the library puts into an Any; the same for the same expression.

    The library writes the entries of maps in another order each time.
    """
    checked = read(any_pb2.Any.FromString(serialized).value)
    source = checked.source_info
    for entries in (
        checked.reference_map,
        checked.type_map,
        source.positions,
        source.macro_calls,
    ):
        entries.sort(key=lambda entry: entry.key)
    canonical: bytes = checked.SerializeToString(deterministic=True)
    return canonical


def as_serialized(checked: bytes) -> bytes:
    """What the library reads, of a message alone."""
    packed = any_pb2.Any(type_url=f"type.googleapis.com/{_PACKAGE}.CheckedExpr", value=checked)
    serialized: bytes = packed.SerializeToString()
    return serialized


def read(checked: bytes) -> Any:
    """The message. Raises ExpressionError for one that protobuf's readers refuse for its depth."""
    try:
        return _CHECKED.FromString(checked)
    except DecodeError:
        raise ExpressionError("the expression is nested too deeply", 0) from None


def type_name(kind: Any) -> str:
    """A type as it is written in an expression; `dyn` for all that is not known."""
    if kind.HasField("primitive"):
        return _PRIMITIVES.get(kind.primitive, "dyn")
    if kind.HasField("well_known"):
        return _WELL_KNOWN.get(kind.well_known, "dyn")
    if kind.HasField("list_type"):
        return f"list({type_name(kind.list_type.elem_type)})"
    if kind.HasField("map_type"):
        inner = kind.map_type
        return f"map({type_name(inner.key_type)}, {type_name(inner.value_type)})"
    return str(kind.message_type) if kind.HasField("message_type") else "dyn"
