"""The SQL of one use case: tables, checks, its own pipeline, results, progress, dead letters.

What a use case's own SQL (`pipeline/*.sql`) may read: the table of its event stream, the view
`decoded` (the well-formed events) and the substitutions of `substitutions`. What it must define:
for each report a view named by the report's path, with its columns and `version`. What it refuses
it gives as a table or view `refused`: the columns of an event, `outcome` (the dead letter's reason)
and `detail` (why, in words that the sender understands). A pipeline that uses `${correlate}` has
its events checked there, so malformed ones are among its `refused`; of any other they are found
here. Everything else is rendered from the definitions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from string import Template

from analytics_app.connectors import Connector
from glue import PlatformError, Schema, UseCase
from glue.catalog import DEAD_LETTERS, PROGRESS
from glue.limits import LETTER_BYTES
from glue.parameters import Parameters
from glue.targets import flink

# What the SQL calls of `sdp.functions`; in SQL their names are in capitals.
FUNCTIONS = ("Enclose", "Progress")

# Columns that belong to one record, so that another stage's never fill them.
OWN = (
    "event_id",
    "occurred_at",
    "received_at",
    *(name for name, _, _ in flink.METADATA),
)


class PipelineError(PlatformError):
    """A use case's SQL file cannot be used."""


@dataclass(frozen=True)
class Statements:
    """What to execute, in order, and what to insert, all at once."""

    definitions: tuple[str, ...]
    inserts: tuple[str, ...]


def render(use_case: UseCase, parameters: Parameters, connector: Connector) -> Statements:
    """All SQL of a use case; its tables and views live in a database of its own."""
    definitions = [
        f"CREATE DATABASE IF NOT EXISTS `{use_case.name}`",
        f"USE `{use_case.name}`",
        *_tables(use_case, connector),
        *_views(use_case),
    ]
    inserts: list[str] = []
    for path in use_case.pipeline:
        for statement in pipeline_statements(path, substitutions(use_case, parameters)):
            (inserts if statement.startswith("INSERT") else definitions).append(statement)
    definitions += [_changelog(report) for report in use_case.reports]
    definitions += [_beats(use_case)]
    inserts += [_report(report) for report in use_case.reports]
    inserts += [_progress(use_case)]
    inserts += [_dead_letters(use_case)] if _defines(definitions, "refused") else []
    inserts += [] if _uses(use_case, "correlate") else [_malformed(use_case)]
    return Statements(tuple(definitions), tuple(inserts))


def functions() -> tuple[str, ...]:
    """The statements that make the functions known, before anything else is executed."""
    return tuple(
        f"CREATE TEMPORARY SYSTEM FUNCTION {name.upper()} AS 'sdp.functions.{name}'"
        for name in FUNCTIONS
    )


def substitutions(use_case: UseCase, parameters: Parameters) -> dict[str, str]:
    """What `${name}` in a pipeline file may name.

    `events`, `event_names`: the columns of all that is read of a record, with and without types.
    `correlate`: the options of a table that joins the stages of a key, but for the key and the
    stages; `port`: those of a table that reads one of its outcomes, up to the port's name.
    """
    columns = flink.input_columns(use_case)
    return {
        "aggregation_period_seconds": str(int(parameters.aggregation_period.total_seconds())),
        "correlation_window_ms": str(_milliseconds(parameters.correlation_window)),
        "allowed_lateness_ms": str(_milliseconds(parameters.allowed_lateness)),
        "events": flink.column_list(columns),
        "event_names": ", ".join(f"`{name}`" for name, _ in columns),
        "correlate": _options(_correlate(use_case)),
        "port": f"{_options(_operator(use_case))},\n  'port'",
    }


def _operator(use_case: UseCase) -> dict[str, str]:
    # the name is the operator's id in checkpoints: it must not change
    return {"connector": "correlate", "name": f"{use_case.name}-correlate"}


def _correlate(use_case: UseCase) -> dict[str, str]:
    return _operator(use_case) | {
        "stage": "type",
        "ignored": flink.HEARTBEAT,
        "time": "occurred_at",
        "arrival": "arrival_timestamp",
        "received": "received_at",
        "data": "data",
        "own": ",".join(OWN),
        "labels": _labels(use_case.events),
        "checks": flink.check_lines(use_case.events),
    }


def _labels(events: Sequence[Schema]) -> str:
    # senders read of an event by its name, which may be another than its type
    return ",".join(f"{e.type}={e.name.lower()}" for e in events)


def _options(options: dict[str, str]) -> str:
    return ",\n  ".join(f"'{key}' = {flink.literal(value)}" for key, value in options.items())


def _defines(definitions: list[str], name: str) -> bool:
    kinds = ("TABLE", "VIEW")
    return any(d.startswith(f"CREATE TEMPORARY {k} {name} ") for d in definitions for k in kinds)


def _uses(use_case: UseCase, name: str) -> bool:
    return any(f"${{{name}}}" in path.read_text() for path in use_case.pipeline)


_STATEMENTS = ("CREATE TEMPORARY TABLE", "CREATE TEMPORARY VIEW", "INSERT INTO")


def pipeline_statements(path: Path, values: dict[str, str]) -> tuple[str, ...]:
    """A file's statements, each ended by a line's `;`, without comments, parameters filled in."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("--")]
    try:
        found = [
            Template(statement.strip()).substitute(values)
            for statement in re.split(r";\s*$", "\n".join(lines), flags=re.MULTILINE)
            if statement.strip()
        ]
    except (KeyError, ValueError) as error:
        raise PipelineError(f"{path}: {error}; parameters: {sorted(values)}") from error
    for statement in found:
        if not statement.startswith(_STATEMENTS):
            first = statement.splitlines()[0]
            raise PipelineError(f"{path}: {first!r} starts with none of {list(_STATEMENTS)}")
    return tuple(found)


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _tables(use_case: UseCase, connector: Connector) -> Iterator[str]:
    stream = use_case.event_stream
    options = connector.source(use_case.name, stream)
    yield flink.source_table(use_case, options, metadata=connector.metadata)
    sinks = [
        *((s.stream, flink.result_columns(s), s.key) for s in _results(use_case)),
        (PROGRESS, list(flink.PROGRESS_ROW), "use_case"),
        (DEAD_LETTERS, flink.dead_letter_columns(), "id"),
    ]
    for name, columns, key in sinks:
        yield flink.sink_table(
            name,
            columns,
            connector.sink(use_case.name, name),
            partition_key=key if connector.partitioned else "",
        )


def _results(use_case: UseCase) -> tuple[Schema, ...]:
    return (*use_case.records, *use_case.reports)


def _views(use_case: UseCase) -> Iterator[str]:
    table = flink.table_name(use_case.event_stream)
    yield (
        "CREATE TEMPORARY VIEW `checked` AS\n"
        f"SELECT *,\n  {flink.violation(use_case.events)} AS `violation`\nFROM `{table}`"
    )
    yield (
        "CREATE TEMPORARY VIEW `decoded` AS\n"
        f"SELECT * FROM `checked`\nWHERE `violation` IS NULL AND `type` <> '{flink.HEARTBEAT}'"
    )


def _changelog(report: Schema) -> str:
    # an updating result as an append-only stream of upserts
    return (
        f"CREATE TEMPORARY VIEW `{report.path}_changelog` AS\n"
        f"SELECT * FROM TO_CHANGELOG(\n  input => TABLE `{report.path}`,\n"
        "  op => DESCRIPTOR(`op`),\n"
        "  op_mapping => MAP['INSERT, UPDATE_AFTER', 'upsert', 'DELETE', 'delete'])"
    )


def _report(report: Schema) -> str:
    names = ", ".join(f"`{name}`" for name in (*report.names, "version"))
    return (
        f"INSERT INTO `{flink.table_name(report.stream)}`\n"
        f"SELECT {names}, CAST(0 AS BIGINT)\nFROM `{report.path}_changelog`"
    )


def _beats(use_case: UseCase) -> str:
    # no row of a changelog passes: only its watermark does, which is behind the aggregation's
    table = flink.table_name(use_case.event_stream)
    parts = [
        f"SELECT CAST(NULL AS TIMESTAMP_LTZ(3)) AS `heartbeat_at`\n"
        f"FROM `{report.path}_changelog` WHERE `op` = 'none'"
        for report in use_case.reports
    ]
    parts.append(
        "SELECT CAST(`occurred_at` AS TIMESTAMP_LTZ(3)) AS `heartbeat_at`\n"
        f"FROM `{table}` WHERE `type` = '{flink.HEARTBEAT}' AND ({flink.IN_FUTURE}) IS NOT TRUE"
    )
    return "CREATE TEMPORARY VIEW `beats` AS\n" + "\nUNION ALL\n".join(parts)


def _progress(use_case: UseCase) -> str:
    return (
        f"INSERT INTO `{PROGRESS}`\n"
        f"SELECT '{use_case.name}', `watermark`, `heartbeat_at`\n"
        f"FROM PROGRESS(input => TABLE `beats`, uid => '{use_case.name}-progress')"
    )


def _dead_letters(use_case: UseCase) -> str:
    return (
        f"INSERT INTO `{flink.table_name(DEAD_LETTERS)}`\n"
        + _dead_letter(use_case, "`outcome`", "COALESCE(`detail`, `outcome`)", _FIELD)
        + _from("`refused`")
    )


def _malformed(use_case: UseCase) -> str:
    field = "SPLIT_INDEX(`violation`, ' ', 0)"
    return (
        f"INSERT INTO `{flink.table_name(DEAD_LETTERS)}`\n"
        + _dead_letter(use_case, "'malformed'", "`violation`", field)
        + _from("`checked`", "`violation` IS NOT NULL")
    )


_FIELD = "CASE WHEN `outcome` = 'malformed' THEN SPLIT_INDEX(`detail`, ' ', 0) END"

# When the platform decided: in a stream it is evaluated for each row. Nothing depends on it.
_NOW = "CURRENT_TIMESTAMP"


def _dead_letter(use_case: UseCase, reason: str, detail: str, field: str) -> str:
    stream = use_case.event_stream
    return f"""SELECT
  COALESCE(`shard_id` || ':' || `sequence_number`, `event_id`, '') || ':' || {reason},
  '{use_case.name}',
  'flink',
  {reason},
  {detail} || COALESCE(`enclosed`.`remark`, ''),
  {field},
  `enclosed`.`payload`,
  `enclosed`.`encoding`,
  `event_id`,
  `occurred_at`,
  {_NOW},
  ROW('{stream}', `shard_id`, `sequence_number`)"""


def _from(rows: str, condition: str = "") -> str:
    """The rows that a condition holds for, each with what a dead letter may carry of its bytes."""
    enclosed = f"ENCLOSE(`data`, {LETTER_BYTES}) AS `enclosed`"
    where = f" WHERE {condition}" if condition else ""
    return f"\nFROM (SELECT *, {enclosed} FROM {rows}{where})"
