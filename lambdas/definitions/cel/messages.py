"""The checker's errors for people: what is wrong, where, and what is allowed instead."""

from __future__ import annotations

import re
from collections.abc import Mapping

from glue.definitions import FEATURES
from glue.types import Column
from lambdas.definitions.cel.bounds import MAX_DEPTH
from lambdas.definitions.cel.errors import ExpressionError
from lambdas.definitions.cel.overloads import FUNCTIONS

_ERROR = re.compile(r"ERROR: <input>:(?P<line>\d+):(?P<column>\d+): (?P<message>[^\n]*)")
_FIELD = re.compile(r"undefined field '(?P<field>.*)' not found in struct 'sdp\.(?P<group>\w+)'")
_NAME = re.compile(r"undeclared reference to '(?P<name>.*)' \(in container '.*'\)")
_OVERLOAD = re.compile(
    r"found no matching overload for '(?P<function>.*)' applied to '\((?P<types>.*)\)'"
)
_NUMBERS = {"int", "double"}
_LONGEST = 500
TOO_DEEP = f"the expression is nested too deeply; at most {MAX_DEPTH} levels are allowed"


def explain(error: str, text: str, variables: Mapping[str, tuple[Column, ...]]) -> ExpressionError:
    """The first of the checker's errors."""
    if "recursion" in error.partition("\n")[0]:
        return ExpressionError(TOO_DEEP, 0)
    match = _ERROR.search(error)
    if match is None:
        reason = error.partition(": ")[2] or error
        return ExpressionError(reason[:_LONGEST], 0)
    offset = _offset(text, int(match["line"]), int(match["column"]))
    if unknown := _NAME.fullmatch(match["message"]):
        # Of `evnt.balance` the checker names all of it, at its dot.
        first = unknown["name"].partition(".")[0]
        if text[:offset].endswith(first) and "." in unknown["name"]:
            offset -= len(first)
    return ExpressionError(_explained(match["message"], variables)[:_LONGEST], offset)


def _explained(message: str, variables: Mapping[str, tuple[Column, ...]]) -> str:
    if match := _FIELD.fullmatch(message):
        fields = _fields(match["group"], variables)
        if match["group"] == FEATURES:
            others = fields or "none yet"
            return f"{match['field']} is not a feature; those of its business events: {others}"
        return f"{match['field']} is not a field of {match['group']}; fields: {fields}"
    if match := _NAME.fullmatch(message):
        first = match["name"].partition(".")[0]
        return (
            f"{first} is unknown; variables: {', '.join(variables)}; functions: "
            f"{', '.join(FUNCTIONS)}"
        )
    if match := _OVERLOAD.fullmatch(message):
        return _no_overload(match["function"], match["types"])
    return message.replace("sdp.", "")


def _fields(group: str, variables: Mapping[str, tuple[Column, ...]]) -> str:
    return ", ".join(column.name for column in variables.get(group, ()))


def _no_overload(function: str, types: str) -> str:
    name = function.replace("_", "").replace("@", "") or function
    message = f"{name} is not defined for ({types.replace('sdp.', '')})"
    if set(types.split(", ")) == _NUMBERS:
        message += "; write a number as 200.0, or convert one of them: double(x), int(x)"
    return message


def _offset(text: str, line: int, column: int) -> int:
    """Characters before a line and column, which count from 1."""
    lines = text.split("\n")
    return sum(len(one) + 1 for one in lines[: line - 1]) + column - 1
