"""A result as Athena writes it to S3 and as GetQueryResults gives it, a page at a time.

https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sdpctl.local.athena.types import ResultType, athena_text

PAGE = 1000
Row = Sequence[str | None]


def texts(rows: Iterable[Sequence[Any]]) -> list[list[str | None]]:
    """The rows' cells as texts; None is NULL."""
    return [[athena_text(cell) for cell in row] for row in rows]


def csv(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """A query's file: every value in quotes, NULL without any."""
    return "".join(",".join(map(_field, row)) + "\n" for row in [list(columns), *rows]).encode()


def txt(rows: Sequence[Row]) -> bytes:
    """The file of any other statement: its lines as they are, without a header."""
    return "".join("\t".join(cell or "" for cell in row) + "\n" for row in rows).encode()


def metadata(columns: Sequence[str], types: Sequence[ResultType]) -> bytes:
    """The file beside either; on AWS it is binary, and only its being there is known."""
    pairs = zip(columns, types, strict=True)
    return "\n".join(f"{name}\t{of.name}" for name, of in pairs).encode()


def column_info(columns: Sequence[str], types: Sequence[ResultType]) -> list[dict[str, Any]]:
    """ResultSetMetadata's ColumnInfo."""
    return [
        {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": name,
            "Label": name,
            "Type": of.name,
            "Precision": of.precision,
            "Scale": of.scale,
            "Nullable": "UNKNOWN",
            "CaseSensitive": of.case_sensitive,
        }
        for name, of in zip(columns, types, strict=True)
    ]


def page(
    columns: Sequence[str], rows: Sequence[Row], *, header: bool, start: int, size: int
) -> tuple[list[dict[str, Any]], int | None]:
    """The page's rows from `start` on, and where the next begins; a header counts as a row."""
    first: list[Row] = [list(columns)] if header else []
    offset = len(first)
    taken = (first if start < offset else []) + list(
        rows[max(0, start - offset) : start - offset + size]
    )
    following = start + size
    data = [{"Data": [{} if c is None else {"VarCharValue": c} for c in row]} for row in taken]
    return data[:size], following if following < len(rows) + offset else None


def _field(cell: str | None) -> str:
    return "" if cell is None else '"' + cell.replace('"', '""') + '"'
