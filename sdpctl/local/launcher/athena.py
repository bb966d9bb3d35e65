"""Athena: a table is its registered partitions, read where their files are, typed by Glue.

A stopped query stops; bytes scanned are those that were read; nothing is created or dropped
(`sdpctl.local.athena`).
"""

from __future__ import annotations

import asyncio
import copy
import shutil
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlparse

import duckdb
from ministack.services import athena, glue, s3

from sdpctl.local.athena import engine
from sdpctl.local.athena.tables import Part, Table

REPLACED: dict[Callable[..., Any], list[str]] = {
    athena._run_duckdb: ["query", "database", "catalog"],
    athena._execute_query: ["query_id", "query", "database", "ddl", "catalog"],
    athena._save_query_results: ["query_id"],
    athena._stop_query_execution: ["data"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    athena: ("_executions", "_sql_tokens"),
    glue: ("_databases", "_tables", "_partitions"),
    s3: ("_buckets", "_get_object_data", "_object_disk_path", "S3_PERSIST"),
}
_execute = athena._execute_query
_save = athena._save_query_results
_stop = athena._stop_query_execution
_connections: dict[str, duckdb.DuckDBPyConnection] = {}
_query_id: ContextVar[str] = ContextVar("query_id")
_scanned: ContextVar[int] = ContextVar("scanned", default=0)


@dataclass(frozen=True)
class _Location:
    """Where a partition's objects are, and the keys of its bucket at the time of the question."""

    values: tuple[str, ...]
    bucket: str
    prefix: str


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    athena._run_duckdb = _run
    athena._execute_query = _execute_query
    athena._save_query_results = _save_query_results
    athena._stop_query_execution = _stop_query_execution


async def _execute_query(
    query_id: str, query: str, database: str, ddl: object, catalog: str | None = None
) -> None:
    """The emulator would create and drop tables by itself: `ddl` goes to the engine as well."""
    _query_id.set(query_id)
    await _execute(query_id, query, database, None, catalog)
    execution = athena._executions.get(query_id)
    if execution and execution.get("_stopped"):
        execution["Status"] |= {"State": "CANCELLED", "StateChangeReason": "Query cancelled"}


def _stop_query_execution(data: dict[str, Any]) -> Any:
    query_id = data.get("QueryExecutionId", "")
    execution = athena._executions.get(query_id)
    if execution and execution["Status"]["State"] in ("QUEUED", "RUNNING"):
        execution["_stopped"] = True
        if connection := _connections.get(query_id):
            connection.interrupt()
    return _stop(data)


async def _save_query_results(query_id: str) -> None:
    athena._executions[query_id]["Statistics"]["DataScannedInBytes"] = _scanned.get()
    await _save(query_id)


async def _run(query: str, database: str, catalog: str | None = None) -> dict[str, Any]:
    """What the catalog says now is read at once, on the loop; files and rows beside it."""
    named = list(_named_tables(query, database))
    keys = {p.bucket: _keys(p.bucket) for _, _, locations in named for p in locations}
    answer = await asyncio.to_thread(_answer, query, database, named, keys, _query_id.get())
    _scanned.set(answer.scanned_bytes)
    return {"columns": answer.columns, "column_types": answer.types, "rows": answer.rows}


Named = tuple[str, dict[str, Any], list[_Location]]


def _named_tables(query: str, database: str) -> Iterator[Named]:
    """The Glue tables whose names are in the query, with the locations of their partitions."""
    words = {text.lower() for kind, text, *_ in athena._sql_tokens(query) if kind.endswith("name")}
    for database_name in {database, *(words & set(glue._databases.keys()))}:
        for word in sorted(words):
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
    found = s3._buckets.get(bucket)
    return list(found["objects"]) if found else []


def _answer(
    query: str, database: str, named: list[Named], keys: dict[str, list[str]], query_id: str
) -> engine.Answer:
    ordered = {bucket: sorted(listed) for bucket, listed in keys.items()}
    try:
        with _copies() as copies:
            tables = [
                Table(name, definition, tuple(_part(p, ordered[p.bucket], copies) for p in parts))
                for name, definition, parts in named
            ]
            return engine.run(query, database, tables, lambda made: _begin(query_id, made))
    finally:
        _connections.pop(query_id, None)


def _begin(query_id: str, connection: duckdb.DuckDBPyConnection) -> None:
    """From here on the query can be stopped; it may have been already."""
    _connections[query_id] = connection
    if athena._executions[query_id].get("_stopped"):
        raise engine.QueryError("Query cancelled")


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
    """Where the object lies on disk, or a copy of what is only in memory."""
    path = s3._object_disk_path(bucket, key) if s3.S3_PERSIST else None
    if path and Path(path).is_file():
        return str(path)
    data = s3._get_object_data(bucket, key)
    if data is None:
        raise FileNotFoundError(f"HIVE_CANNOT_OPEN_SPLIT: s3://{bucket}/{key} is gone")
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
