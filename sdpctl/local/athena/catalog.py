"""The Glue catalog as Athena shows it: SHOW, DESCRIBE and information_schema.

SHOW and DESCRIBE are Hive's: texts padded to 20 characters, one cell a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sdpctl.local.athena.statements import Catalogued
from sdpctl.local.athena.types import trino_type

CATALOG = "awsdatacatalog"
INFORMATION_SCHEMA = "information_schema"
_TITLES = {
    "SHOW_DATABASES": ("database_name",),
    "SHOW_TABLES": ("tab_name",),
    "SHOW_VIEWS": ("views",),
    "SHOW_COLUMNS": ("field",),
    "SHOW_PARTITIONS": ("partition",),
    "SHOW_TBLPROPERTIES": ("prpt_name", "prpt_value"),
    "SHOW_CREATE_TABLE": ("createtab_stmt",),
    "SHOW_CREATE_VIEW": ("create_view",),
    "DESCRIBE_TABLE": ("col_name", "data_type", "comment"),
}
Definition = Mapping[str, Any]


class DataCatalogError(ValueError):
    """A database or table that does not exist; the text is Athena's."""


@dataclass(frozen=True)
class DataCatalog:
    """Glue's databases, its tables by database and name, and partition values by the same."""

    databases: tuple[str, ...]
    tables: Mapping[tuple[str, str], Definition]
    partitions: Mapping[tuple[str, str], list[list[str]]]

    def answer(
        self, statement: Catalogued, database: str
    ) -> tuple[tuple[str, ...], list[list[str]]]:
        """The titles and rows of a statement; raises DataCatalogError."""
        inside = statement.database or database
        if statement.what == "SHOW_DATABASES":
            rows = _matching(self.databases, statement.pattern)
        elif statement.what in ("SHOW_TABLES", "SHOW_VIEWS"):
            rows = _matching(self._names(inside, statement.what == "SHOW_VIEWS"), statement.pattern)
        else:
            rows = list(self._about(statement, inside))
        return _TITLES[statement.what], [[row] for row in rows]

    def _names(self, database: str, views: bool) -> Iterator[str]:
        if database not in self.databases:
            raise DataCatalogError(
                f"FAILED: SemanticException [Error 10072]: Database does not exist: {database}"
            )
        for (inside, name), definition in self.tables.items():
            if inside == database and (_is_view(definition) or not views):
                yield name

    def _about(self, statement: Catalogued, database: str) -> Iterable[str]:
        key = (database, statement.table or "")
        if key not in self.tables:
            raise DataCatalogError(
                f"FAILED: SemanticException [Error 10001]: Table not found {'.'.join(key)}"
            )
        definition = self.tables[key]
        match statement.what:
            case "SHOW_COLUMNS":
                return (name.ljust(20) for name, _, _ in _all_columns(definition))
            case "SHOW_PARTITIONS":
                return _partitions(key, definition, self.partitions.get(key, []))
            case "SHOW_TBLPROPERTIES":
                return _properties(definition, statement.pattern)
            case "SHOW_CREATE_TABLE":
                return _create_table(key, definition)
            case "DESCRIBE_TABLE":
                return _described(definition)
            case _:
                raise DataCatalogError(f"FAILED: {'.'.join(key)} is not a view")

    def information_schema(self) -> dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]]:
        """The columns and rows of the schema's tables, by name."""
        return {
            "schemata": (
                ("catalog_name", "schema_name"),
                [(CATALOG, name) for name in sorted((*self.databases, INFORMATION_SCHEMA))],
            ),
            "tables": (
                ("table_catalog", "table_schema", "table_name", "table_type"),
                [
                    (CATALOG, *key, "VIEW" if _is_view(table) else "BASE TABLE")
                    for key, table in self.tables.items()
                ],
            ),
            "columns": (
                _COLUMNS,
                list(chain.from_iterable(map(_column_rows, self.tables.items()))),
            ),
        }


EMPTY = DataCatalog((), {}, {})
_COLUMNS = (
    "table_catalog",
    "table_schema",
    "table_name",
    "column_name",
    "ordinal_position",
    "column_default",
    "is_nullable",
    "data_type",
    "comment",
    "extra_info",
)


def _column_rows(entry: tuple[tuple[str, str], Definition]) -> Iterator[tuple[Any, ...]]:
    key, definition = entry
    keys = {name for name, _, _ in _columns(definition.get("PartitionKeys"))}
    for number, (name, hive, comment) in enumerate(_all_columns(definition), 1):
        extra = "partition key" if name in keys else None
        kind = trino_type(hive)
        yield (CATALOG, *key, name, number, None, "YES", kind, comment or None, extra)


def _is_view(definition: Definition) -> bool:
    return definition.get("TableType") == "VIRTUAL_VIEW"


def _matching(names: Iterable[str], pattern: str | None) -> list[str]:
    """Hive's patterns: `*` is any text, `|` is or."""
    if pattern is None:
        return sorted(names)
    choices = (re.escape(part).replace(r"\*", ".*") for part in pattern.lower().split("|"))
    expression = re.compile("|".join(choices))
    return sorted(name for name in names if expression.fullmatch(name))


def _partitions(
    key: tuple[str, str], definition: Definition, registered: list[list[str]]
) -> list[str]:
    names = [name for name, _, _ in _columns(definition.get("PartitionKeys"))]
    if not names:
        raise DataCatalogError(
            f"FAILED: SemanticException [Error 10241]: Table {key[1]} is not a partitioned table"
        )
    return sorted(
        "/".join(f"{n}={v}" for n, v in zip(names, values, strict=True)) for values in registered
    )


def _properties(definition: Definition, name: str | None) -> Iterator[str]:
    for key, value in sorted((definition.get("Parameters") or {}).items()):
        if name in (None, key):
            yield f"{key}\t{value}"


def _described(definition: Definition) -> Iterator[str]:
    yield from map(_line, _all_columns(definition))
    if keys := _columns(definition.get("PartitionKeys")):
        yield "\t \t "
        yield "# Partition Information\t \t "
        yield _line(("# col_name", "data_type", "comment"))
        yield "\t \t "
        yield from map(_line, keys)


def _line(column: tuple[str, str, str]) -> str:
    return "\t".join(part.ljust(20) for part in column)


def _create_table(key: tuple[str, str], definition: Definition) -> Iterator[str]:
    storage = definition.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    yield f"CREATE EXTERNAL TABLE `{'.'.join(key)}`("
    yield from _declared(_columns(storage.get("Columns")))
    if keys := _columns(definition.get("PartitionKeys")):
        yield "PARTITIONED BY ( "
        yield from _declared(keys)
    yield from ("ROW FORMAT SERDE ", f"  '{serde.get('SerializationLibrary', '')}' ")
    if options := serde.get("Parameters"):
        yield "WITH SERDEPROPERTIES ( "
        yield from _pairs(options)
    yield from ("STORED AS INPUTFORMAT ", f"  '{storage.get('InputFormat', '')}' ")
    yield from ("OUTPUTFORMAT ", f"  '{storage.get('OutputFormat', '')}'")
    yield from ("LOCATION", f"  '{storage.get('Location', '')}'")
    if parameters := definition.get("Parameters"):
        yield "TBLPROPERTIES ("
        yield from _pairs(parameters)


def _declared(columns: list[tuple[str, str, str]]) -> Iterator[str]:
    for number, (name, hive, comment) in enumerate(columns, 1):
        quoted = comment.replace("'", "\\'")
        note = f" COMMENT '{quoted}'" if comment else ""
        yield f"  `{name}` {hive}{note}{')' if number == len(columns) else ', '}"


def _pairs(values: Mapping[str, str]) -> Iterator[str]:
    for number, (name, value) in enumerate(sorted(values.items()), 1):
        yield f"  '{name}'='{value}'{')' if number == len(values) else ', '}"


def _all_columns(definition: Definition) -> list[tuple[str, str, str]]:
    storage = definition.get("StorageDescriptor") or {}
    return [*_columns(storage.get("Columns")), *_columns(definition.get("PartitionKeys"))]


def _columns(declared: Iterable[Mapping[str, Any]] | None) -> list[tuple[str, str, str]]:
    """Name, Hive type and comment of each."""
    return [
        (str(c["Name"]).lower(), str(c.get("Type", "string")), str(c.get("Comment") or ""))
        for c in declared or ()
    ]
