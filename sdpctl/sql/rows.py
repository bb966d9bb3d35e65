"""Rows of a result, formatted for output."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import orjson
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from glue.sql import FLOATS, INTEGERS

Row = list[Any]
NUMBERS = (*INTEGERS, *FLOATS, "decimal")
_UNBOUNDED = 1_000_000
# Control characters of terminals, except tab and newline.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Column(NamedTuple):
    """A column of a result and its type in Athena."""

    name: str
    type: str


def json_lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    """A JSON array with one object per row and line."""
    names, begin = [column.name for column in columns], "["
    for row in rows:
        yield begin + orjson.dumps(dict(zip(names, row, strict=True)), default=_number).decode()
        begin = ","
    yield "[]" if begin == "[" else "]"


def csv_lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    """RFC 4180 with a header; NULL is an empty field, empty text is `\"\"`."""
    yield ",".join(_csv(column.name) for column in columns)
    for row in rows:
        yield ",".join(map(_csv, row))


def table(columns: Sequence[Column], rows: Iterable[Row]) -> Table:
    """A table with the type below each name; numbers right-aligned, NULL dim."""
    shown = Table()
    for name, type_ in columns:
        right = type_.partition("(")[0] in NUMBERS
        side: Literal["left", "right"] = "right" if right else "left"
        title = cell(name).append(f"\n{type_}", "dim")
        shown.add_column(title, justify=side, overflow="fold")
    for row in rows:
        shown.add_row(*map(cell, row))
    return shown


def result(
    console: Console, columns: Sequence[Column], rows: Iterable[Row], vertical: bool | None = None
) -> RenderableType:
    """A table, or the vertical form; None: vertical if the table is too wide."""
    kept = list(rows)
    if vertical is None:
        unbounded = console.options.update(max_width=_UNBOUNDED)
        wide = Measurement.get(console, unbounded, table(columns, kept)).maximum > console.width
        vertical = wide and len(columns) > 1
    return records(columns, kept) if vertical else table(columns, kept)


def records(columns: Sequence[Column], rows: Iterable[Row]) -> Group:
    """Each row with one line per column, like psql's expanded display."""
    return Group(*_records(columns, rows))


def _records(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[RenderableType]:
    for number, row in enumerate(rows, 1):
        yield Rule(Text(f"row {number}", "bold"), align="left", style="dim")
        lines = Table.grid(padding=(0, 2))
        lines.add_column(no_wrap=True)
        lines.add_column(overflow="fold")
        for column, value in zip(columns, row, strict=True):
            lines.add_row(cell(column.name), cell(value))
        yield lines


def cell(value: Any) -> Text:
    """A value without markup, emoji or control characters. NULL is dim."""
    if value is None:
        return Text("NULL", "dim")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Text(_CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text))


def size(count: int) -> str:
    """Formats a number of bytes for people."""
    amount, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def _csv(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if isinstance(value, str) and (not text or any(c in text for c in ',"\r\n')):
        return '"' + text.replace('"', '""') + '"'
    return text


def _number(value: Any) -> Any:
    """A decimal as a JSON number, or as text if a double cannot represent it."""
    if isinstance(value, Decimal):
        as_float = float(value)
        return as_float if Decimal(repr(as_float)) == value else str(value)
    raise TypeError(type(value).__name__)
