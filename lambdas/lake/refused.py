"""Whether another component reports a record that Parquet could not store.

A record becomes one dead letter, written by its first reader: the pipeline for events it cannot
decode, persist for rows of no report. The lake reports the others. In doubt it reports, so that
no record is missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, assert_never

import orjson

from glue import Boolean, Double, Integer, String, Struct, Timestamp, UseCase
from glue.limits import RECORD_BYTES
from glue.targets.flink import event_columns
from glue.types import INT64_MAX, INT64_MIN, Column, ColumnType
from lambdas.result_records import Malformed, json_object, layouts, report_row

# The only timestamp format that the pipeline's JSON format reads (ISO-8601, UTC).
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


@dataclass(frozen=True)
class Elsewhere:
    """Decides for the streams of one use case."""

    use_case: UseCase

    def __call__(self, stream: str, data: bytes) -> bool:
        """Whether another part of the platform writes a dead letter for this record."""
        if stream in self.use_case.event_streams:
            return undecodable(event_columns(self.use_case, stream), data)
        if reports := layouts(self.use_case, stream):
            try:
                report_row(reports, json_object(data))
            except Malformed:
                return True
        return False


def undecodable(columns: Iterable[Column], data: bytes) -> bool:
    """Whether Flink's JSON format certainly cannot turn these bytes into a row.

    The rules are those of Flink's JsonToRowDataConverters: numbers and booleans may be text.
    """
    if len(data) > RECORD_BYTES:
        return True
    try:
        record = orjson.loads(data)
    except orjson.JSONDecodeError:
        return True
    if not isinstance(record, dict):
        return True
    return any(_unreadable(c.type, record.get(c.name)) for c in columns)


def _unreadable(kind: ColumnType, value: Any) -> bool:
    if value is None:
        return False
    match kind:
        case String() | Boolean():
            return False  # Flink accepts anything as text, and any text other than true as false
        case Integer():
            return _no_integer(value)
        case Double():
            return isinstance(value, dict | list | bool)
        case Timestamp():
            return not (isinstance(value, str) and _is_instant(value))
        case Struct(columns):
            held = value if isinstance(value, dict) else {}
            return any(_unreadable(c.type, held.get(c.name)) for c in columns)
        case _:
            assert_never(kind)


def _no_integer(value: Any) -> bool:
    if isinstance(value, str):
        return not _INTEGER.fullmatch(value.strip())
    if isinstance(value, dict | list | bool):
        return True
    return not INT64_MIN <= value <= INT64_MAX


def _is_instant(text: str) -> bool:
    try:
        return bool(_INSTANT.fullmatch(text)) and bool(date.fromisoformat(text[:10]))
    except ValueError:
        return False
