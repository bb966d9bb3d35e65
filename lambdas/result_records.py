"""Decodes the records of a result stream; Malformed has the reason why one cannot be decoded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import orjson

from glue import Boolean, Double, Integer, Schema, String, UseCase, instants
from glue.errors import CatalogError, PlatformError
from glue.ledger import COUNTS
from glue.schema import VERSIONING
from glue.targets.dynamodb import LARGEST, VERSION
from glue.types import Column

# DynamoDB's limit for a partition key's value.
KEY_BYTES = 2048
# DynamoDB's limit for a number.
NUMBER_DIGITS = 38
# The first second of the year 10000: after all buckets and beyond Python's calendar.
END_OF_TIME = 253_402_300_800


class Malformed(PlatformError):
    """A record does not belong in its stream; `field` is the column at fault, if any."""

    def __init__(self, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


def json_object(data: bytes) -> dict[str, Any]:
    """The JSON object in these bytes."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Malformed(f"not a JSON object but {type(document).__name__}")
    if any(isinstance(value, float) for value in document.values()):
        return cast(dict[str, Any], json.loads(data))  # also integers beyond 64 bits, exactly
    return document


@dataclass(frozen=True)
class Layout:
    """A report in its stream: its columns and its version."""

    report: Schema
    columns: tuple[Column, ...]
    names: frozenset[str]
    sums: frozenset[str]
    measures: frozenset[str]

    @classmethod
    def of(cls, report: Schema) -> Layout:
        """The layout of a report."""
        columns = (*report.columns, *VERSIONING)
        names, sums, measures = (
            frozenset(column.name for column in some)
            for some in (columns, report.sums, report.measures)
        )
        return cls(report, columns, names, sums, measures)


def report_row(layouts: Sequence[Layout], row: Mapping[str, Any]) -> Schema:
    """The report this row belongs to, after checking each value.

    Reports that share a stream differ in their columns. A row of version 0 empties its bucket: a
    replay found that it has no records. Its measures are null.
    """
    layout = next((one for one in layouts if row.keys() == one.names), None)
    if layout is None:
        raise _wrong_columns(layouts, row)
    report = layout.report
    for column in layout.columns:
        if row[VERSION] == 0 and column.name in layout.measures:
            _check_none(column, row[column.name])
        elif column.name in layout.sums:
            _check_sum(column, row[column.name])
        else:
            _check(column, row[column.name])
    if len(str(row[report.key]).encode()) not in range(1, KEY_BYTES + 1):
        raise Malformed(f"a key has 1 to {KEY_BYTES} bytes", report.key)
    if not 0 <= row[report.period] < END_OF_TIME:
        raise Malformed(f"not a time: {row[report.period]} seconds", report.period)
    return report


def _wrong_columns(layouts: Sequence[Layout], row: Mapping[str, Any]) -> Malformed:
    nearest = min(layouts, key=lambda one: len(row.keys() ^ one.names))
    missing = sorted(nearest.names - row.keys())
    unknown = sorted(row.keys() - nearest.names)
    name = nearest.report.name
    detail = f"not a row of {name}: missing columns {missing}, unknown columns {unknown}"
    return Malformed(detail, (missing or unknown)[0])


def _check(column: Column, value: Any) -> None:
    match column.type, value:
        case Integer(low, high), int() if not isinstance(value, bool) and low <= value <= high:
            return
        case String(low, high), str() if low <= len(value) <= (high or len(value)):
            return
        case Boolean(), bool():
            return
        case Double(bottom, top), float() | int() if _is_number(value):
            if (bottom is None or value >= bottom) and (top is None or value <= top):
                return
    raise Malformed(f"{_shown(value)} is not {column.type}", column.name)


def _is_number(value: Any) -> bool:
    """Whether DynamoDB has such a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= LARGEST  # so is not what is no number


def _check_sum(column: Column, value: Any) -> None:
    """A sum is not refused for its size or sign: all later sums of its bucket would be as well."""
    if isinstance(column.type, Double):
        if not _is_number(value):
            raise Malformed(f"{_shown(value)} is not a number up to {LARGEST:g}", column.name)
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(f"{_shown(value)} is not an integer", column.name)
    if len(str(abs(value))) > NUMBER_DIGITS:
        raise Malformed(f"{_shown(value)} has more than {NUMBER_DIGITS} digits", column.name)


def _check_none(column: Column, value: Any) -> None:
    if value is not None:
        raise Malformed(f"{_shown(value)} is not null, as in each row of version 0", column.name)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


@dataclass(frozen=True)
class Progress:
    """How far a use case's event time has come."""

    use_case: str
    watermark: datetime
    heartbeat_at: datetime


def progress(use_case: str, row: Mapping[str, Any]) -> Progress:
    """The progress record of that use case."""
    if row.get("use_case") != use_case:
        raise Malformed(f"{_shown(row.get('use_case'))} is not {use_case!r}", "use_case")
    return Progress(use_case, _instant(row, "watermark"), _instant(row, "heartbeat_at"))


@dataclass(frozen=True)
class Outcomes:
    """What was read of one minute of receipt and what became of it, with a version."""

    use_case: str
    minute: datetime
    counts: Mapping[str, int]


def outcomes(use_case: str, row: Mapping[str, Any]) -> Outcomes:
    """The ledger's record of that use case."""
    if row.get("use_case") != use_case:
        raise Malformed(f"{_shown(row.get('use_case'))} is not {use_case!r}", "use_case")
    for name in ("minute", *COUNTS, "version"):
        if not isinstance(row.get(name), int) or not 0 <= row[name] < 2**63:
            raise Malformed(f"{_shown(row.get(name))} is not a number of records", name)
    if row["minute"] >= END_OF_TIME:
        raise Malformed(f"not a time: {row['minute']} seconds", "minute")
    counts = {name: row[name] for name in (*COUNTS, "version")}
    return Outcomes(use_case, instants.EPOCH + timedelta(seconds=row["minute"]), counts)


def _instant(row: Mapping[str, Any], name: str) -> datetime:
    try:
        return instants.parse(row.get(name))
    except ValueError as error:
        raise Malformed(str(error), name) from error


def layouts(use_case: UseCase, stream: str) -> tuple[Layout, ...]:
    """The reports in a stream. Raises CatalogError if two have the same columns."""
    reports = tuple(Layout.of(r) for r in use_case.reports if r.stream == stream)
    for layout in reports:
        twins = [other.report.name for other in reports if other.names == layout.names]
        if len(twins) > 1:
            raise CatalogError(f"{use_case.name}/{stream}: {twins} have the same columns")
    return reports
