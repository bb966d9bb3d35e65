"""What Athena sees of a Glue table: its registered partitions' files, columns as Glue has them.

A table with partition keys consists of the partitions that are registered in Glue, each with its
own location; a file below the table's location that belongs to none of them is not read. Columns
come from the table's definition, by name: what a file lacks is NULL, what it has besides is unseen.
https://docs.aws.amazon.com/athena/latest/ug/partitions.html
https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import unquote

from sdpctl.local.athena.types import duckdb_type, json_type

Column = tuple[str, str]  # name and Hive type


class UnsupportedTable(ValueError):
    """The table's files are in a format that is not read here."""


@dataclass(frozen=True)
class Part:
    """One partition: a value per partition key, and its files. An unpartitioned table is one."""

    values: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A Glue table and what it consists of now."""

    database: str
    definition: Mapping[str, Any]
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """The name within the database."""
        return str(self.definition["Name"])

    @property
    def columns(self) -> list[Column]:
        """The columns that are in the files."""
        return _columns((self.definition.get("StorageDescriptor") or {}).get("Columns"))

    @property
    def keys(self) -> list[Column]:
        """The columns that are the partition's values."""
        return _columns(self.definition.get("PartitionKeys"))

    @property
    def files(self) -> list[str]:
        """All files of all partitions."""
        return list(chain.from_iterable(part.files for part in self.parts))

    @property
    def serde(self) -> Mapping[str, str]:
        """The parameters of the table's serializer."""
        info = (self.definition.get("StorageDescriptor") or {}).get("SerdeInfo") or {}
        return info.get("Parameters") or {}

    @property
    def format(self) -> str:
        """parquet or json; raises UnsupportedTable."""
        storage = self.definition.get("StorageDescriptor") or {}
        library = (storage.get("SerdeInfo") or {}).get("SerializationLibrary")
        named = f"{storage.get('InputFormat')} {library}".lower()
        for known in ("parquet", "json"):
            if known in named:
                return known
        raise UnsupportedTable(f"{self.database}.{self.name} is neither Parquet nor JSON")


def relation(table: Table) -> str:
    """The query for the table's rows, typed and named as in Glue; raises UnsupportedTable."""
    shown = ", ".join(
        f"CAST({_quoted(name)} AS {duckdb_type(hive)}) AS {_quoted(name)}"
        for name, hive in chain(table.columns, table.keys)
    )
    return f"SELECT {shown} FROM ({_rows(table)})"


def _rows(table: Table) -> str:
    if not table.files:
        return f"SELECT {_nulls(chain(table.columns, table.keys))} WHERE false"
    hive = _in_paths(table)
    read = f"SELECT * FROM {_reader(table, hive)}"
    if table.keys and not hive:
        read = f"SELECT r.*, {_names('p', table.keys)} FROM ({read}) r JOIN {_partitions(table)}"
    # Whatever column no file has comes from the side without rows.
    return f"{read} UNION ALL BY NAME SELECT {_nulls(table.columns)} WHERE false"


def _reader(table: Table, hive: bool) -> str:
    options = "hive_partitioning = false, filename = true"
    if hive:
        types = ", ".join(f"{_literal(n)}: {duckdb_type(t)}" for n, t in table.keys)
        options = f"hive_partitioning = true, hive_types = {{{types}}}"
    files = "[" + ", ".join(map(_literal, table.files)) + "]"
    if table.format == "parquet":
        return f"read_parquet({files}, union_by_name = true, {options})"
    columns = ", ".join(f"{_literal(n)}: {_literal(json_type(t))}" for n, t in table.columns)
    lenient = str(table.serde.get("ignore.malformed.json", "false")).lower()
    return (
        f"read_json({files}, format = 'newline_delimited', columns = {{{columns}}}, "
        f"ignore_errors = {lenient}, {options})"
    )


def _in_paths(table: Table) -> bool:
    """Whether each path says its partition, `name=value`: then DuckDB can leave files out."""
    keys = [name for name, _ in table.keys]
    return bool(keys) and all(
        _folders(file, keys) == [[value] for value in part.values]
        for part in table.parts
        for file in part.files
    )


def _folders(file: str, keys: Sequence[str]) -> list[list[str]]:
    pairs = [folder.split("=", 1) for folder in file.split("/")[:-1] if "=" in folder]
    return [[unquote(value) for name, value in pairs if name == key] for key in keys]


def _partitions(table: Table) -> str:
    """The partition of each file, for locations that do not say it."""
    rows = ", ".join(
        f"({', '.join(map(_literal, (file, *part.values)))})"
        for part in table.parts
        for file in part.files
    )
    names = ", ".join(_quoted(name) for name, _ in table.keys)
    return f"(VALUES {rows}) AS p(file, {names}) ON p.file = r.filename"


def _nulls(columns: Iterable[Column]) -> str:
    return ", ".join(f"CAST(NULL AS {duckdb_type(t)}) AS {_quoted(n)}" for n, t in columns)


def _names(alias: str, columns: Iterable[Column]) -> str:
    return ", ".join(f"{alias}.{_quoted(name)}" for name, _ in columns)


def _columns(declared: Iterable[Mapping[str, Any]] | None) -> list[Column]:
    return [(str(c["Name"]), str(c.get("Type", "string"))) for c in declared or ()]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
