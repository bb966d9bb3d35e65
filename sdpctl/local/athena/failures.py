"""DuckDB's errors in Athena's words: what a client of Athena matches against.

https://docs.aws.amazon.com/athena/latest/APIReference/API_AthenaError.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import duckdb

from sdpctl.local.athena.words import position

CATALOG = "awsdatacatalog"
USER, OTHER = 2, 3  # categories: an error of the caller, any other
_USER_TYPE, _ENGINE_TYPE = 1100, 200
_ENGINES_OWN = re.compile(r"^[A-Z][A-Z_]+: ")
_PREFIX = re.compile(r"^[A-Z][\w ]+ Error: ")
# Where DuckDB points at; it leaves out the beginning of a long line.
_MARKED = re.compile(r"LINE (\d+): (?!\.\.\.)(.*)\n(\s*)\^")
_Rule = tuple[re.Pattern[str], Callable[[re.Match[str], str, str], str]]


def reason(error: Exception, sql: str, database: str) -> str:
    """The StateChangeReason of a query that failed with this error."""
    text = _PREFIX.sub("", str(error))
    if _ENGINES_OWN.match(text):
        return text.splitlines()[0]
    for pattern, written in _RULES:
        if match := pattern.search(text):
            return written(match, sql, database)
    first = text.splitlines()[0] if text else type(error).__name__
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        return f"SYNTAX_ERROR: {first}"
    if isinstance(error, duckdb.Error):
        return f"GENERIC_USER_ERROR: {first}"
    return f"GENERIC_INTERNAL_ERROR: {first}"


def athena_error(why: str) -> dict[str, Any]:
    """The AthenaError beside a StateChangeReason."""
    engine = why.startswith("GENERIC_INTERNAL_ERROR")
    return {
        "ErrorCategory": OTHER if engine else USER,
        "ErrorType": _ENGINE_TYPE if engine else _USER_TYPE,
        "Retryable": False,
        "ErrorMessage": why,
    }


def syntax_error(error: duckdb.Error) -> str:
    """A statement that cannot be parsed, as it is refused before it runs."""
    text = _PREFIX.sub("", str(error))
    marked = _MARKED.search(text)
    line, column = (
        (int(marked[1]), len(marked[3]) - len(f"LINE {marked[1]}: ")) if marked else (1, 0)
    )
    near = re.search(r'at or near "(.*)"', text)
    what = f"mismatched input '{near[1]}'" if near else text.splitlines()[0]
    return f"line {line}:{column + 1}: {what}"


def _table(match: re.Match[str], sql: str, database: str) -> str:
    *schema, table = match[1].split(".")
    named = f"{CATALOG}.{schema[-1] if schema else database}.{table}".lower()
    return f"TABLE_NOT_FOUND: {position(sql, table)}: Table '{named}' does not exist"


def _schema(match: re.Match[str], sql: str, _: str) -> str:
    return f"SCHEMA_NOT_FOUND: {position(sql, match[1])}: Schema '{match[1]}' does not exist"


def _column(match: re.Match[str], sql: str, _: str) -> str:
    return (
        f"COLUMN_NOT_FOUND: {position(sql, match[1])}: Column '{match[1]}' cannot be resolved "
        "or requester is not authorized to access requested resources"
    )


def _function(match: re.Match[str], sql: str, _: str) -> str:
    return f"FUNCTION_NOT_FOUND: {position(sql, match[1])}: Function '{match[1]}' not registered"


def _message(code: str, text: str) -> Callable[[re.Match[str], str, str], str]:
    """A reason from the error's own parts, `{0}` and on."""
    return lambda match, _sql, _database: f"{code}: " + text.format(*match.groups())


_RULES: tuple[_Rule, ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), written)
    for pattern, written in (
        (r'because schema "?([^"]+?)"? does not exist', _schema),
        (r'Table with name "?([^"\s!]+)"? does not exist', _table),
        (r'Referenced (?:column|table) "([^"]+)" not found', _column),
        (r'Table "[^"]+" does not have a column named "([^"]+)"', _column),
        (r"Function with name \"?([\w.]+)\"? does not exist", _function),
        (
            r'column "?([^"]+?)"? must appear in the GROUP BY',
            _message(
                "EXPRESSION_NOT_AGGREGATE",
                "'{0}' must be an aggregate expression or appear in GROUP BY clause",
            ),
        ),
        (
            r'Ambiguous reference to column name "([^"]+)"',
            _message("AMBIGUOUS_NAME", "Column '{0}' is ambiguous"),
        ),
        (
            r"No function matches .* '(.+?)'",
            _message("FUNCTION_NOT_FOUND", "Unexpected parameters for function {0}"),
        ),
        (
            r"best candidate function for the function call \"(.+?)\"\.",
            _message("TYPE_MISMATCH", "Cannot apply operator: {0}"),
        ),
        (
            r"Could not convert string '(.*)' to (\w+)",
            _message("INVALID_CAST_ARGUMENT", "Cannot cast '{0}' to {1}"),
        ),
        (r"Division by zero", _message("DIVISION_BY_ZERO", "Division by zero")),
        (
            r"out of range|overflow",
            _message("NUMERIC_VALUE_OUT_OF_RANGE", "a number is out of its type's range"),
        ),
        (
            r"More than one row returned by a subquery",
            _message("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows"),
        ),
        (
            r"No magic bytes found|not a parquet file",
            _message("HIVE_BAD_DATA", "Not valid Parquet file"),
        ),
        (r"INTERRUPT", _message("USER_CANCELED", "Query was canceled")),
    )
)
