"""What a query of Athena reads: the Glue catalog as it is now, and the files of its tables.

A table is its registered partitions, read where their files are (`sdpctl.local.athena.tables`).
The catalog is read on the event loop, the files beside it.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlparse

from ministack.services import glue, s3

from sdpctl.local.athena.catalog import INFORMATION_SCHEMA, DataCatalog
from sdpctl.local.athena.statements import catalogued
from sdpctl.local.athena.tables import Part, Table
from sdpctl.local.athena.words import words

USED: dict[ModuleType, tuple[str, ...]] = {
    glue: ("_databases", "_tables", "_partitions"),
    s3: ("_buckets", "_get_object_data", "_object_disk_path", "S3_PERSIST"),
}


@dataclass(frozen=True)
class _Location:
    """Where a partition's objects are, and the keys of its bucket at the time of the question."""

    values: tuple[str, ...]
    bucket: str
    prefix: str


Named = tuple[str, dict[str, Any], list[_Location]]


@dataclass(frozen=True)
class Snapshot:
    """The catalog, the tables that a query names, and the keys of their buckets, at one time."""

    catalog: DataCatalog
    named: list[Named]
    keys: dict[str, list[str]]

    @contextmanager
    def tables(self) -> Iterator[list[Table]]:
        """The tables with their files, which are there until the end of the block."""
        ordered = {bucket: sorted(listed) for bucket, listed in self.keys.items()}
        with _copies() as copies:
            yield [
                Table(name, definition, tuple(_part(p, ordered[p.bucket], copies) for p in parts))
                for name, definition, parts in self.named
            ]


def snapshot(query: str, database: str) -> Snapshot:
    """What the query can see now."""
    names = {word.value.lower() for word in words(query) if word.is_name}
    named = list(_named_tables(names, database))
    keys = {p.bucket: _keys(p.bucket) for _, _, locations in named for p in locations}
    return Snapshot(_catalog(query, names), named, keys)


def _catalog(query: str, names: set[str]) -> DataCatalog:
    """As much of it as the query asks for: a lake has a partition for each hour of each table."""
    databases = tuple(glue._databases)
    if catalogued(query) is None and INFORMATION_SCHEMA not in names:
        return DataCatalog(databases, {}, {})
    tables = {_key(name): copy.deepcopy(table) for name, table in glue._tables.items()}
    partitions = {
        _key(name): [[str(value) for value in part["Values"]] for part in registered]
        for name, registered in glue._partitions.items()
        if _key(name)[1] in names
    }
    return DataCatalog(databases, tables, partitions)


def _key(name: str) -> tuple[str, str]:
    database, _, table = name.partition("/")
    return database, table


def _named_tables(names: set[str], database: str) -> Iterator[Named]:
    """The Glue tables whose names are in the query, with the locations of their partitions."""
    for database_name in {database, *(names & set(glue._databases.keys()))}:
        for word in sorted(names):
            if definition := glue._tables.get(f"{database_name}/{word}"):
                locations = list(_locations(database_name, definition))
                yield database_name, copy.deepcopy(definition), locations


def _locations(database: str, definition: dict[str, Any]) -> Iterator[_Location]:
    registered: list[dict[str, Any]] = [definition]
    if definition.get("PartitionKeys"):
        registered = glue._partitions.get(f"{database}/{definition['Name']}", [])
    for part in registered:
        location = urlparse((part.get("StorageDescriptor") or {}).get("Location") or "")
        prefix = location.path.strip("/") + "/"
        yield _Location(tuple(part.get("Values") or ()), location.netloc, prefix)


def _keys(bucket: str) -> list[str]:
    stored = s3._buckets.get(bucket)
    return list(stored["objects"]) if stored else []


def _part(location: _Location, keys: list[str], copies: Path) -> Part:
    """The partition with its files; names that begin with `_` or `.` are hidden, as in Hive."""
    files = []
    for key in keys[bisect_left(keys, location.prefix) :]:
        if not key.startswith(location.prefix):
            break
        relative = key.removeprefix(location.prefix)
        if relative and not any(name.startswith(("_", ".")) for name in relative.split("/")):
            files.append(_file(location.bucket, key, copies))
    return Part(location.values, tuple(files))


def _file(bucket: str, key: str, copies: Path) -> str:
    """The file of the object, or a copy of an object that is only in memory."""
    path = s3._object_disk_path(bucket, key) if s3.S3_PERSIST else None
    if path and Path(path).is_file():
        return str(path)
    data = s3._get_object_data(bucket, key)
    if data is None:
        raise FileNotFoundError(f"HIVE_CANNOT_OPEN_SPLIT: s3://{bucket}/{key} does not exist")
    copy_of = copies / bucket / key
    copy_of.parent.mkdir(parents=True, exist_ok=True)
    copy_of.write_bytes(data)
    return str(copy_of)


@contextmanager
def _copies() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="athena-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
