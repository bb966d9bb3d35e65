"""Flink SQL from definitions: tables, and the checks that tell a malformed event.

Knows no connector: a table's options are given by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from glue import deadletter
from glue.catalog import UseCase
from glue.errors import SchemaError
from glue.ledger import COUNTS
from glue.limits import AHEAD, CLOCKS_DIFFER, RECORD_BYTES
from glue.schema import ENVELOPE, VERSIONING, Kind, Schema
from glue.sql import literal
from glue.types import (
    INT64_MAX,
    INT64_MIN,
    Boolean,
    Column,
    ColumnType,
    Double,
    Integer,
    String,
    Struct,
    Timestamp,
)

HEARTBEAT = "heartbeat"

# Whether a record is dated later than its arrival allows. What the stream says of the arrival
# counts, for a record put past ingestion may carry any `received_at`.
_AHEAD = divmod(int((AHEAD + CLOCKS_DIFFER).total_seconds()), 60)
IN_FUTURE = (
    "`occurred_at` > COALESCE(`arrival_timestamp`, `received_at`)"
    f" + INTERVAL '{_AHEAD[0]}:{_AHEAD[1]:02}' MINUTE TO SECOND"
)

# Where a record came from; read from the record's metadata by connectors that have it.
METADATA: tuple[tuple[str, str, str], ...] = (
    ("shard_id", "STRING", "shard-id"),
    ("sequence_number", "STRING", "sequence-number"),
    ("arrival_timestamp", "TIMESTAMP_LTZ(3)", "arrival-timestamp"),
    ("data", "BYTES", "data"),
)

# JSON writes bytes as base64, so the payload stays bytes up to the very end.
_PAYLOAD = "payload"

PROGRESS_ROW: tuple[tuple[str, str], ...] = (
    ("use_case", "STRING"),
    ("watermark", "TIMESTAMP_LTZ(3)"),
    ("heartbeat_at", "TIMESTAMP_LTZ(3)"),
)

LEDGER_ROW: tuple[tuple[str, str], ...] = (
    ("use_case", "STRING"),
    *((name, "BIGINT") for name in ("minute", *COUNTS, "version")),
)


def flink_type(column_type: ColumnType) -> str:
    """The Flink SQL type of a column."""
    match column_type:
        case String():
            return "STRING"
        case Integer():
            return "BIGINT"
        case Double():
            return "DOUBLE"
        case Boolean():
            return "BOOLEAN"
        case Timestamp():
            return "TIMESTAMP_LTZ(3)"
        case Struct(columns=columns):
            return f"ROW<{', '.join(f'`{c.name}` {flink_type(c.type)}' for c in columns)}>"
        case _:
            assert_never(column_type)


def taken_columns(record: Schema) -> list[tuple[str, str]]:
    """Names and Flink types of the columns that a record takes from its events."""
    return [(name, flink_type(record.column(name).type)) for name in record.taken]


def dead_letter_columns() -> list[tuple[str, str]]:
    """Names and Flink types of a dead letter."""
    return [
        (c.name, "BYTES" if c.name == _PAYLOAD else flink_type(c.type)) for c in deadletter.COLUMNS
    ]


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong with a column of a record, as a line of `checks` has it."""

    kind: str
    limit: str
    meaning: str


def checks(column: Column) -> list[Check]:
    """What can be wrong with a column of a decoded record."""
    found = [Check("required", "-", "is required")] if column.required else []
    match column.type:
        case String(min_length=low, max_length=high):
            if low:
                found.append(Check("min-length", f"{low}", f"is shorter than {low}"))
            if high is not None:
                found.append(Check("max-length", f"{high}", f"is longer than {high}"))
        case Integer(minimum=least, maximum=most):
            if least > INT64_MIN:
                found.append(Check("min", f"{least}", f"is less than {least}"))
            if most < INT64_MAX:
                found.append(Check("max", f"{most}", f"is greater than {most}"))
        case Double(minimum=bottom, maximum=top):
            if bottom is not None:
                found.append(Check("min", f"{bottom!r}", f"is less than {bottom}"))
            if top is not None:
                found.append(Check("max", f"{top!r}", f"is greater than {top}"))
        case Boolean() | Timestamp() | Struct():
            pass
        case _:
            assert_never(column.type)
    return found


_FUTURE = "is in the future of its arrival"
_MISSING = (
    f"is missing: the record cannot be decoded, has no type or is larger than {RECORD_BYTES} bytes"
)
_UNKNOWN = "is not one of the types of this stream"
_CHECKED_ENVELOPE = tuple(c for c in ENVELOPE if c.name not in ("type", "received_at"))


def check_lines(events: Sequence[Schema]) -> str:
    """What makes a record malformed, in order: a line each, for VALIDATE or a `correlate` table."""
    lines = [
        f"* occurred_at ahead {int((AHEAD + CLOCKS_DIFFER).total_seconds() * 1000)} {_FUTURE}",
        f"* type missing - {_MISSING}",
        f"* type unknown - {_UNKNOWN}",
    ]
    lines += [_line("*", column, check) for column in _CHECKED_ENVELOPE for check in checks(column)]
    lines += [
        _line(event.type, column, check)
        for event in events
        for column in event.columns
        for check in checks(column)
    ]
    return "\n".join(lines)


def _line(stage: str, column: Column, check: Check) -> str:
    return f"{stage} {column.name} {check.kind} {check.limit} {check.meaning}"


def union_of(events: Sequence[Schema]) -> tuple[Column, ...]:
    """The columns of all events on one stream, once each.

    Raises SchemaError where two events give one name different types.
    """
    columns: dict[str, tuple[str, Column]] = {}
    for event in events:
        for column in event.columns:
            owner, known = columns.setdefault(column.name, (event.name, column))
            if flink_type(known.type) != flink_type(column.type):
                raise SchemaError(
                    f"{event.name}.{column.name}: {flink_type(column.type)} here, "
                    f"{flink_type(known.type)} in {owner} of the same stream"
                )
    return tuple(column for _, column in columns.values())


def event_columns(use_case: UseCase, stream: str) -> tuple[Column, ...]:
    """The envelope, then the columns of all events of one of the use case's streams."""
    return (*ENVELOPE, *union_of(use_case.events_on(stream)))


def source_table(
    use_case: UseCase,
    stream: str,
    options: Mapping[str, str],
    *,
    metadata: bool,
    delay: timedelta,
) -> str:
    """The table that the events of a stream are read from, with its watermark `delay` behind.

    `metadata` false makes the record's origin plain columns, for connectors without any.
    Event time is `occurred_at`, or the epoch where that is absent or in the future of the record's
    arrival: such a record is malformed, and must not move the watermark.
    """
    lines = _typed((c.name, flink_type(c.type)) for c in event_columns(use_case, stream))
    for name, sql_type, key in METADATA:
        lines.append(
            f"`{name}` {sql_type}" + (f" METADATA FROM '{key}' VIRTUAL" if metadata else "")
        )
    lines.append(
        f"`event_time` AS CASE WHEN `occurred_at` IS NULL\n    OR {IN_FUTURE}\n"
        "    THEN TO_TIMESTAMP_LTZ(0, 3) ELSE `occurred_at` END"
    )
    lines.append(f"WATERMARK FOR `event_time` AS `event_time` - {interval(delay)}")
    return _table(stream, lines, "", options)


def interval(duration: timedelta) -> str:
    """SQL: a duration of whole seconds."""
    minutes, second = divmod(duration // timedelta(seconds=1), 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"INTERVAL '{day} {hour:02}:{minute:02}:{second:02}' DAY(3) TO SECOND"


def bucket(period: timedelta) -> str:
    """SQL: the start of the bucket of that length in which `occurred_at` is, epoch seconds."""
    seconds = "EXTRACT(EPOCH FROM `occurred_at`)"
    return f"({seconds} - MOD({seconds}, {period // timedelta(seconds=1)}))"


def input_columns(use_case: UseCase, stream: str) -> list[tuple[str, str]]:
    """Names and Flink types of all that is read of a record: its fields, then its origin."""
    return _with_origin(event_columns(use_case, stream))


def common_columns() -> list[tuple[str, str]]:
    """Names and Flink types of what is read of any record, whatever its type."""
    return _with_origin(ENVELOPE)


def _with_origin(columns: Iterable[Column]) -> list[tuple[str, str]]:
    fields = [(column.name, flink_type(column.type)) for column in columns]
    return [*fields, *((name, sql_type) for name, sql_type, _ in METADATA)]


def column_list(columns: Sequence[tuple[str, str]]) -> str:
    """Columns as CREATE TABLE lists them."""
    return ",\n  ".join(_typed(columns))


def _typed(columns: Iterable[tuple[str, str]]) -> list[str]:
    return [f"`{name}` {sql_type}" for name, sql_type in columns]


def result_columns(schema: Schema) -> list[tuple[str, str]]:
    """Names and Flink types of what is written of a record; a report's with its versioning."""
    columns = (*schema.columns, *(VERSIONING if schema.kind is Kind.REPORT else ()))
    return [(c.name, flink_type(c.type)) for c in columns]


def sink_table(
    name: str,
    columns: Sequence[tuple[str, str]],
    options: Mapping[str, str],
    *,
    partition_key: str = "",
) -> str:
    """A table results are written to; `partition_key` is the column records are spread by."""
    lines = _typed(columns)
    partitioned = f"PARTITIONED BY (`{partition_key}`) " if partition_key else ""
    return _table(name, lines, partitioned, options)


def _table(name: str, lines: list[str], partitioned: str, options: Mapping[str, str]) -> str:
    body = ",\n  ".join(lines)
    pairs = ",\n  ".join(f"{literal(k)} = {literal(v)}" for k, v in options.items())
    return (
        f"CREATE TEMPORARY TABLE `{table_name(name)}` (\n  {body}\n"
        f") {partitioned}WITH (\n  {pairs}\n)"
    )


def table_name(stream: str) -> str:
    """The table a stream is in SQL."""
    return stream.replace("-", "_")
