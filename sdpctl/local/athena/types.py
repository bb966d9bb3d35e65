"""Types as four systems call them: Hive in Glue, DuckDB, Trino, and Athena's answers."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

_SCALARS = {
    "string": "VARCHAR",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "binary": "BLOB",
}
_ANSWERS = {
    "VARCHAR": "varchar",
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "bigint",  # a sum of integers: Athena's stays a bigint
    "UBIGINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DECIMAL": "decimal",
    "DATE": "date",
    "TIME": "time",
    "BLOB": "varbinary",
    "STRUCT": "row",
    "MAP": "map",
}


def _parts(hive: str) -> tuple[str, str]:
    """The name of a Hive type, and what is between its angle brackets."""
    name, _, inner = hive.strip().lower().partition("<")
    return name.strip(), inner.removesuffix(">")


def duckdb_type(hive: str) -> str:
    """DuckDB's name of a Hive type, nested ones included; raises ValueError for an unknown one."""
    name, inner = _parts(hive)
    if name == "array":
        return f"{duckdb_type(inner)}[]"
    if name == "map":
        return f"MAP({', '.join(map(duckdb_type, _split(inner)))})"
    if name == "struct":
        fields = (field.partition(":") for field in _split(inner))
        return "STRUCT(" + ", ".join(f'"{n.strip()}" {duckdb_type(t)}' for n, _, t in fields) + ")"
    if name.startswith("decimal"):
        return name if "(" in name else "decimal(10, 0)"  # Hive's own default
    if (scalar := _SCALARS.get(name.partition("(")[0])) is None:
        raise ValueError(f"unknown column type {hive!r}")
    return scalar


def json_type(hive: str) -> str:
    """The type to read a JSON value as: a time carries its zone until it is cast to UTC."""
    return duckdb_type(hive).replace("TIMESTAMP", "TIMESTAMP WITH TIME ZONE")


_TRINO = {
    "string": "varchar",
    "binary": "varbinary",
    "int": "integer",
    "float": "real",
    "timestamp": "timestamp(3)",
}
# Precision as Athena's results give it, by the result's type.
_PRECISIONS = {
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "float": 17,
    "double": 17,
    "varchar": 2**31 - 1,
    "varbinary": 2**30,
    "time": 3,
    "timestamp": 3,
    "timestamp with time zone": 3,
}


class ResultType(NamedTuple):
    """A column's type as GetQueryResults gives it."""

    name: str
    precision: int = 0
    scale: int = 0

    @property
    def case_sensitive(self) -> bool:
        """True of text."""
        return self.name == "varchar"


def trino_type(hive: str) -> str:
    """The name of a Hive type in information_schema, nested ones included."""
    name, inner = _parts(hive)
    if name == "array":
        return f"array({trino_type(inner)})"
    if name == "map":
        return f"map({', '.join(map(trino_type, _split(inner)))})"
    if name == "struct":
        fields = (field.partition(":") for field in _split(inner))
        return "row(" + ", ".join(f"{n.strip()} {trino_type(t)}" for n, _, t in fields) + ")"
    if name == "decimal":
        return "decimal(10,0)"
    return _TRINO.get(name, name)


def result_type(duckdb: str) -> ResultType:
    """The type that an Athena result has for a DuckDB column."""
    name = duckdb.upper()
    if name.endswith("[]"):
        return ResultType("array")
    if name.startswith("TIMESTAMP"):
        type_name = "timestamp with time zone" if "ZONE" in name else "timestamp"
        return ResultType(type_name, _PRECISIONS[type_name])
    if digits := re.match(r"DECIMAL\((\d+), ?(\d+)\)", name):
        return ResultType("decimal", int(digits[1]), int(digits[2]))
    type_name = _ANSWERS.get(name.partition("(")[0].strip(), "varchar")
    return ResultType(type_name, _PRECISIONS.get(type_name, 0))


def athena_value(value: Any) -> Any:
    """A value of a row: None, numbers and booleans as such, all else as Athena writes it."""
    return value if value is None or isinstance(value, bool | int | float) else _text(value)


def athena_text(value: Any) -> str | None:
    """A value as the text of a result's cell; None is NULL."""
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return _double(value)
        case datetime():
            zone = " UTC" if value.tzinfo else ""
            return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03}{zone}"
        case date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case bytes():
            return value.hex(" ")
        case list():
            return f"[{', '.join(map(_nested, value))}]"
        case dict():
            return "{" + ", ".join(f"{key}={_nested(v)}" for key, v in value.items()) + "}"
        case _:
            return str(value)


def _nested(value: Any) -> str:
    return "null" if value is None else _text(value)


def _double(value: float) -> str:
    """As Java writes it: 1.0E7 from ten million on, and below a thousandth."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, power = Decimal(repr(value)).normalize().as_tuple()
    written = "".join(map(str, digits))
    exponent = int(power) + len(written) - 1
    return f"{'-' if sign else ''}{written[0]}.{written[1:] or '0'}E{exponent}"


def _split(text: str) -> list[str]:
    """The parts between commas that are not within brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "<(") - (char in ">)")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts
