"""Whether somebody else reports a record that Parquet could not take.

A record becomes one dead letter, and who reads it first writes it: the pipeline for events it
cannot decode, persist for rows that are none of its reports. The lake reports the others. Only
what is certain counts as known, so that no record goes unreported.
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
from glue.schema import Column
from glue.targets.flink import event_columns
from glue.types import INT64_MAX, INT64_MIN, ColumnType
from lambdas.persist.decoding import Malformed, json_object, layouts, report_row

# The one form of an instant that the pipeline's JSON format reads (ISO-8601, UTC).
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


@dataclass(frozen=True)
class Elsewhere:
    """Answers for the streams of one use case."""

    use_case: UseCase

    def __call__(self, stream: str, data: bytes) -> bool:
        """Whether a dead letter of this record is written by another part of the platform."""
        if stream in self.use_case.event_streams:
            return undecodable(event_columns(self.use_case, stream), data)
        if found := layouts(self.use_case, stream):
            try:
                report_row(found, json_object(data))
            except Malformed:
                return True
        return False


def undecodable(columns: Iterable[Column], data: bytes) -> bool:
    """Whether Flink's JSON format certainly cannot make a row of these bytes.

    Its rules are those of Flink's JsonToRowDataConverters: numbers and truth values may be text.
    """
    if len(data) > RECORD_BYTES:
        return True
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return True
    if not isinstance(found, dict):
        return True
    return any(_unreadable(c.type, found.get(c.name)) for c in columns)


def _unreadable(kind: ColumnType, value: Any) -> bool:
    if value is None:
        return False
    match kind:
        case String() | Boolean():
            return False  # Flink takes anything as text, and any text that is not true as false
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
