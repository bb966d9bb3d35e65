"""Columns of a Glue table as Arrow has them, and JSON values as such columns. Pure.

What a column takes is what Hive's JSON reader takes, by which Firehose converts (JsonSerDe of
hive-hcatalog-core): a string takes a number or a truth value as its text, a boolean any of them,
a bigint a number without its fraction. So does Flink's; but Flink also reads numbers out of text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from sdpctl.local.delivery.errors import UnsupportedColumn, UnsupportedFormat

_SCALARS = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("ms"),
}
_KINDS: dict[pa.DataType, tuple[type, ...]] = {
    pa.string(): (str, int, float, bool),
    pa.int64(): (int, float),
    pa.float64(): (float, int),
    pa.bool_(): (bool, str, int, float),
    pa.timestamp("ms"): (str,),
}
_NAMES = {arrow: hive for hive, arrow in _SCALARS.items()}
_JSON_NAMES = {str: "string", int: "number", float: "number", bool: "boolean", dict: "object"}
# The tokens of a Joda-Time pattern that a definition's timestamps are made of.
_TOKENS = re.compile(r"(yyyy|MM|dd|HH|mm|ss|S{1,3}|'[^']*'|[^A-Za-z'])")


class MismatchError(ValueError):
    """Values that are not what their column holds; the text says what they are."""


def arrow_type(hive: str) -> pa.DataType:
    """`bigint`, `struct<a:string,b:timestamp>` … as Arrow's type; raises UnsupportedColumn."""
    text = hive.strip().lower()
    if text in _SCALARS:
        return _SCALARS[text]
    if text.startswith("struct<") and text.endswith(">"):
        return pa.struct([_field(part) for part in _split(text[7:-1])])
    raise UnsupportedColumn(f"column type {hive!r}; types: {[*_SCALARS, 'struct<…>']}")


def _field(text: str) -> tuple[str, pa.DataType]:
    name, _, hive = text.partition(":")
    return name.strip(), arrow_type(hive)


def _split(text: str) -> list[str]:
    """At the commas that are outside of all brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"<": 1, ">": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def timestamp_pattern(formats: Iterable[str]) -> str:
    """One regular expression for Joda-Time patterns; raises UnsupportedFormat."""
    return f"^(?:{'|'.join(_expression(f) for f in formats)})$"


def _expression(joda: str) -> str:
    parts = _TOKENS.findall(joda)
    if "".join(parts) != joda:
        raise UnsupportedFormat(f"timestamp format {joda!r}")
    return "".join(_token(part) for part in parts)


def _token(part: str) -> str:
    if part[0] in "yMdHmsS":
        return f"[0-9]{{{len(part)}}}"
    return re.escape(part.strip("'"))


def array(values: Sequence[Any], kind: pa.DataType, timestamps: str) -> pa.Array:
    """JSON values (None for absent) as a column; raises MismatchError if any is not of the kind."""
    kinds = set(map(type, values)) - {type(None)}
    if pa.types.is_struct(kind):
        _require(kinds, (dict,), "struct")
        return _struct(values, kind, timestamps)
    _require(kinds, _KINDS[kind], _NAMES[kind])
    if pa.types.is_timestamp(kind):
        return _timestamps(values, timestamps)
    try:
        if kinds.difference(_KINDS[kind][:1]):
            values = [None if v is None else _READERS[kind](v) for v in values]
        return pa.array(values, kind)
    except (pa.ArrowInvalid, OverflowError) as error:
        raise MismatchError(f"is {_NAMES[kind]}: {error}") from error


def _text(value: str | float) -> str:
    """As JSON writes it, but that 1.50 is 1.5."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


_READERS: dict[pa.DataType, Callable[[Any], Any]] = {
    pa.string(): _text,
    pa.int64(): int,
    pa.float64(): float,
    pa.bool_(): lambda value: _text(value).lower() == "true",
}


def _require(kinds: set[type], allowed: tuple[type, ...], hive: str) -> None:
    for other in kinds.difference(allowed):
        raise MismatchError(f"is {hive}, not {_JSON_NAMES.get(other, 'array')}")


def _timestamps(values: Sequence[str | None], pattern: str) -> pa.Array:
    texts = pa.array(values, pa.string())
    shaped = pc.all(pc.match_substring_regex(texts, pattern)).as_py()
    if shaped is False:
        raise MismatchError("is timestamp, in none of the delivery stream's formats")
    try:
        return pc.cast(texts, pa.timestamp("ms", "UTC")).cast(pa.timestamp("ms"))
    except pa.ArrowInvalid as error:
        raise MismatchError("is timestamp, not a time there is") from error


def _struct(values: Sequence[dict[str, Any] | None], kind: pa.DataType, pattern: str) -> pa.Array:
    children = [
        array([None if v is None else v.get(f.name) for v in values], f.type, pattern) for f in kind
    ]
    absent = pa.array([v is None for v in values], pa.bool_())
    return pa.StructArray.from_arrays(children, fields=list(kind), mask=absent)
