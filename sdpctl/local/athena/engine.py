"""One query over Glue tables by DuckDB, set to mean what it means in Athena.

The tables are views in a catalog `awsdatacatalog` with one schema per Glue database, so that names
of one, two and three parts, aliases and subqueries are DuckDB's business.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from sdpctl.local.athena.catalog import CATALOG, EMPTY, INFORMATION_SCHEMA, DataCatalog
from sdpctl.local.athena.functions import STATEMENTS
from sdpctl.local.athena.statements import Explained, StatementError, catalogued, explained, kind
from sdpctl.local.athena.tables import Table, relation
from sdpctl.local.athena.types import ResultType, athena_value, result_type
from sdpctl.local.athena.words import words

_QUERIES = ("select", "with", "values", "table", "(")
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
# DuckDB has an information_schema of its own in every catalog.
_OURS = "athena_information_schema"


class QueryError(Exception):
    """The query is not one that is run here."""


@dataclass(frozen=True)
class Answer:
    """Rows as Athena gives them, and the bytes that were read for them."""

    columns: list[str]
    types: list[ResultType]
    rows: list[list[Any]]
    scanned_bytes: int = 0


def run(
    query: str,
    database: str,
    tables: Iterable[Table],
    catalog: DataCatalog = EMPTY,
    started: Callable[[duckdb.DuckDBPyConnection], None] = lambda _: None,
) -> Answer:
    """Run one statement; raises QueryError, DataCatalogError, UnsupportedTable or duckdb.Error.

    `started` is given the connection, whose `interrupt()` ends the query from another thread.
    """
    if listing := catalogued(query):
        columns, rows = catalog.answer(listing, database)
        return Answer(list(columns), [ResultType("string")] * len(columns), rows)
    with duckdb.connect(":memory:") as connection:
        started(connection)
        known = list(tables)
        statement = explained(query) or query
        _require_query(statement.sql if isinstance(statement, Explained) else statement)
        _prepare(connection, database, known, catalog, query)
        _close(connection, known)
        if isinstance(statement, Explained):
            return _explain(connection, statement)
        return _select(connection, statement)


def require_syntax(query: str) -> None:
    """Raise duckdb.ParserException or StatementError for what Athena would not even start."""
    if catalogued(query):
        return
    statement = explained(query)
    sql = statement.sql if statement else query
    if kind(sql).subtype == "SELECT":
        parsed = duckdb.extract_statements(_ours(sql))
        if len(parsed) != 1:
            raise StatementError("Only one sql statement is allowed")


def _select(connection: duckdb.DuckDBPyConnection, query: str) -> Answer:
    relation = connection.sql(_ours(query))
    types = [str(of) for of in relation.types]
    rows = relation.project(", ".join(map(_shown, range(1, len(types) + 1), types))).fetchall()
    return Answer(
        list(relation.columns),
        [result_type(of) for of in types],
        [[athena_value(value) for value in row] for row in rows],
        _scanned(connection),
    )


def _explain(connection: duckdb.DuckDBPyConnection, statement: Explained) -> Answer:
    if statement.type == "validate":
        connection.execute(f"EXPLAIN {_ours(statement.sql)}")
        return Answer(["Valid"], [ResultType("boolean")], [[True]])
    analyze = "ANALYZE " if statement.analyze else ""
    form = "" if statement.format == "text" else f"(FORMAT {statement.format}) "
    plan = connection.execute(f"EXPLAIN {analyze}{form}{_ours(statement.sql)}").fetchall()
    lines = [line for row in plan for line in str(row[-1]).splitlines()]
    return Answer(["Query Plan"], [result_type("VARCHAR")], [[line] for line in lines])


def _shown(position: int, type_: str) -> str:
    """The column as Python can have it: without a library of zones, and with its own digits."""
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"strftime(#{position}, '%Y-%m-%d %H:%M:%S.%g UTC')"
    if type_ == "FLOAT":
        return f"CAST(CAST(#{position} AS VARCHAR) AS DOUBLE)"
    if type_ == "HUGEINT":  # a sum: Athena's is a bigint, and fails beyond it
        return f"CAST(#{position} AS BIGINT)"
    return f"#{position}"


def _prepare(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    tables: Sequence[Table],
    catalog: DataCatalog,
    query: str,
) -> None:
    for setting in _SETTINGS:
        connection.execute(setting)
    connection.execute(f"ATTACH ':memory:' AS {CATALOG}")
    for name in {database, *catalog.databases, *(table.database for table in tables)}:
        connection.execute(f"CREATE SCHEMA {CATALOG}.{_quoted(name)}")
    for table in tables:
        named = f"{CATALOG}.{_quoted(table.database)}.{_quoted(table.name)}"
        connection.execute(f"CREATE VIEW {named} AS {relation(table)}")
    if any(word.is_name and word.value == INFORMATION_SCHEMA for word in words(query)):
        _describe(connection, catalog)
    connection.execute(f"USE {CATALOG}.{_quoted(database)}")


def _describe(connection: duckdb.DuckDBPyConnection, catalog: DataCatalog) -> None:
    """Make the tables of information_schema."""
    connection.execute(f"CREATE SCHEMA {CATALOG}.{_OURS}")
    for name, (columns, rows) in catalog.information_schema().items():
        typed = ", ".join(
            f"{column} {'BIGINT' if column == 'ordinal_position' else 'VARCHAR'}"
            for column in columns
        )
        connection.execute(f"CREATE TABLE {CATALOG}.{_OURS}.{name} ({typed})")
        if rows:
            placeholders = ", ".join("?" * len(columns))
            connection.executemany(
                f"INSERT INTO {CATALOG}.{_OURS}.{name} VALUES ({placeholders})",
                [list(r) for r in rows],
            )


def _ours(query: str) -> str:
    """The query with the name of our information_schema."""
    for word in reversed(words(query)):
        if word.is_name and word.value == INFORMATION_SCHEMA:
            query = query[: word.start] + _OURS + query[word.start + len(word.text) :]
    return query


def _close(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """From here on nothing is read but the tables' files, whatever functions a query calls."""
    connection.execute("SET allowed_paths = $1", [[file for t in tables for file in t.files]])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _require_query(query: str) -> None:
    """Raise QueryError for what would seem to work and change nothing."""
    tokens = words(query)
    if not tokens or tokens[0].text.lower() not in _QUERIES:
        raise QueryError("NOT_SUPPORTED: the local engine answers queries and changes nothing")
    statements = duckdb.extract_statements(_ours(query))
    if len(statements) != 1:
        raise QueryError("Only one sql statement is allowed")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError("NOT_SUPPORTED: the local engine answers queries and changes nothing")


def _scanned(connection: duckdb.DuckDBPyConnection) -> int:
    profile: dict[str, Any] = json.loads(connection.get_profiling_information(format="json"))
    return int(profile["io"]["total_bytes_read"])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
