"""Types as three systems call them: Hive in Glue, DuckDB, and Athena's answers."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

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


def duckdb_type(hive: str) -> str:
    """DuckDB's name of a Hive type, nested ones included; raises ValueError for an unknown one."""
    text = hive.strip().lower()
    name, inner = text.partition("<")[0].strip(), text.partition("<")[2].removesuffix(">")
    if name == "array":
        return f"{duckdb_type(inner)}[]"
    if name == "map":
        return f"MAP({', '.join(map(duckdb_type, _split(inner)))})"
    if name == "struct":
        fields = (field.partition(":") for field in _split(inner))
        return "STRUCT(" + ", ".join(f'"{n.strip()}" {duckdb_type(t)}' for n, _, t in fields) + ")"
    if name.startswith("decimal"):
        return name if "(" in name else "decimal(10, 0)"  # Hive's own default
    if (found := _SCALARS.get(name.partition("(")[0])) is None:
        raise ValueError(f"unknown column type {hive!r}")
    return found


def json_type(hive: str) -> str:
    """The type to read a JSON value as: a time carries its zone until it is cast to UTC."""
    return duckdb_type(hive).replace("TIMESTAMP", "TIMESTAMP WITH TIME ZONE")


def athena_type(duckdb: str) -> str:
    """The type that an Athena result names for a DuckDB column."""
    name = duckdb.upper()
    if name.endswith("[]"):
        return "array"
    if name.startswith("TIMESTAMP"):
        return "timestamp with time zone" if "ZONE" in name else "timestamp"
    return _ANSWERS.get(name.partition("(")[0].strip(), "varchar")


def athena_value(value: Any) -> Any:
    """A value as Athena writes it; None, numbers and booleans are left to the answer's writer."""
    match value:
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
            return value


def _nested(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(athena_value(value))


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
