"""One query over Glue tables by DuckDB, set to mean what it means in Athena.

The tables are views in a catalog `awsdatacatalog` with one schema per Glue database, so that names
of one, two and three parts, aliases and subqueries are DuckDB's business.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import duckdb

from sdpctl.local.athena.functions import STATEMENTS
from sdpctl.local.athena.tables import Table, relation
from sdpctl.local.athena.types import athena_type, athena_value

CATALOG = "awsdatacatalog"
_QUERIES = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
_SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET integer_division = true",  # 3 / 2 is 1, as in Athena
    "SET parquet_metadata_cache = true",
    "SET autoinstall_known_extensions = false",
    "SET enable_progress_bar = false",
    "SET enable_profiling = 'no_output'",
    "SET lambda_syntax = 'ENABLE_SINGLE_ARROW'",
    "SET python_enable_replacements = false",  # a variable of ours is no table
    *STATEMENTS,
)


class QueryError(Exception):
    """The query is not one that is run here."""


@dataclass(frozen=True)
class Answer:
    """Rows as Athena gives them, and the bytes that were read for them."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    scanned_bytes: int


def run(
    query: str,
    database: str,
    tables: Iterable[Table],
    started: Callable[[duckdb.DuckDBPyConnection], None] = lambda _: None,
) -> Answer:
    """Run one query; raises QueryError, UnsupportedTable or duckdb.Error.

    `started` is given the connection, whose `interrupt()` ends the query from another thread.
    """
    with duckdb.connect(":memory:") as connection:
        started(connection)
        known = list(tables)
        _prepare(connection, database, known)
        _close(connection, known)
        _require_query(connection, query)
        found = connection.sql(query)
        types = [str(of) for of in found.types]
        rows = found.project(", ".join(map(_shown, range(1, len(types) + 1), types))).fetchall()
        return Answer(
            list(found.columns),
            [athena_type(of) for of in types],
            [[athena_value(value) for value in row] for row in rows],
            _scanned(connection),
        )


def _shown(position: int, type_: str) -> str:
    """An instant goes out as text: as a Python object it would need a library of time zones."""
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"strftime(#{position}, '%Y-%m-%d %H:%M:%S.%g UTC')"
    return f"#{position}"


def _prepare(connection: duckdb.DuckDBPyConnection, database: str, tables: Iterable[Table]) -> None:
    for setting in _SETTINGS:
        connection.execute(setting)
    connection.execute(f"ATTACH ':memory:' AS {CATALOG}")
    connection.execute(f'CREATE SCHEMA IF NOT EXISTS {CATALOG}."{database}"')
    for table in tables:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS {CATALOG}."{table.database}"')
        named = f'{CATALOG}."{table.database}"."{table.name}"'
        connection.execute(f"CREATE VIEW {named} AS {relation(table)}")
    connection.execute(f'USE {CATALOG}."{database}"')


def _close(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """From here on nothing is read but the tables' files, whatever functions a query calls."""
    connection.execute("SET allowed_paths = $1", [[file for t in tables for file in t.files]])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _require_query(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Raise QueryError for what would seem to work and change nothing."""
    statements = connection.extract_statements(query)
    if len(statements) != 1:
        raise QueryError("Only one sql statement is allowed")
    if statements[0].type not in _QUERIES:
        raise QueryError("NOT_SUPPORTED: the local engine answers queries and changes nothing")


def _scanned(connection: duckdb.DuckDBPyConnection) -> int:
    profile = json.loads(connection.get_profiling_information(format="json"))
    return int(profile["io"]["total_bytes_read"])
