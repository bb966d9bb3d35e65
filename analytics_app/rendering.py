"""The SQL of one use case: tables, checks, its own pipeline, results, progress, dead letters.

What a use case's own SQL (`pipeline/*.sql`) may read: the table of each event stream, the view
`decoded` (the well-formed events; `decoded_<stream>` where there are several streams), its own
functions and the substitutions of `substitutions`. What it must create:

- for each report a view named by the report's path, with its columns and `version`;
- for each record a table or view named by the record's class in snake case
  (`GateCount`: `gate_count`) with its columns, in any order and among others; or
  an INSERT INTO the record's stream of its own;
- if it refuses events, a table or view `refused` with the columns of `${origin}`, `outcome` (the
  dead letter's reason) and `detail` (why, in words that the sender understands);
- for the ledger, where its operators count, a table or view `outcomes` with the columns
  `${outcomes}`: how many more records of a minute of receipt were read, or have an outcome. Events
  that reach no operator are in a table or view `left_out` with the columns of `${origin}`. Where
  SQL decides, a table or view `decided` with the columns of `${origin}` and `outcome`, in which
  each well-formed event is once. The platform counts both, and those that are malformed.

All else is rendered from the definitions, and only what is declared. Malformed events become dead
letters here, unless the pipeline has them checked by an operator of its own (`${checks}`), among
whose `refused` they then are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from string import Template
from typing import assert_never

from analytics_app.connectors import Connector
from glue import PlatformError, Schema, UseCase
from glue.catalog import DEAD_LETTERS, PROGRESS
from glue.ledger import COUNTS
from glue.limits import LETTER_BYTES
from glue.parameters import Parameters, Value, format_duration, to_text
from glue.sql import literal
from glue.targets import flink

# What the platform's own SQL calls of `sdp.functions`; in SQL their names are in capitals.
FUNCTIONS = ("Enclose", "Progress", "Validate")

# Columns that belong to one record, so that an operator never fills them from another's.
OWN = (
    "event_id",
    "occurred_at",
    "received_at",
    *(name for name, _, _ in flink.METADATA),
)


# What every event has, whatever its type: enough to make a dead letter of it.
ORIGIN = ["type", *OWN]


class PipelineError(PlatformError):
    """A use case's SQL file cannot be used."""


@dataclass(frozen=True)
class Statements:
    """What to execute, in order, and what to insert, all at once."""

    definitions: tuple[str, ...]
    inserts: tuple[str, ...]


def render(use_case: UseCase, parameters: Parameters, connector: Connector) -> Statements:
    """All SQL of a use case; its tables and views live in a database of its own.

    Raises PipelineError naming the file, or what no file creates.
    """
    own = _pipeline(use_case, parameters, connector)
    created, written = _names(own, _CREATES), _names(own, _INSERTS)
    is_counted = bool(created & {"outcomes", "decided"})
    decided = _decided_parts(use_case, created) if is_counted else []
    counts = ["outcomes"] if "outcomes" in created else []
    counts += [f"{DECIDED}_outcomes"] if decided else []
    records = [r for r in use_case.records if flink.table_name(r.stream) not in written]
    _require(use_case, created, records)
    definitions = [
        f"CREATE DATABASE IF NOT EXISTS `{use_case.name}`",
        f"USE `{use_case.name}`",
        *_functions(use_case),
        *_tables(use_case, parameters, connector),
        *_views(use_case),
        *(s for s in own if not s.startswith("INSERT")),
        *map(_changelog, use_case.reports),
        _beats(use_case),
        *(_decided_tables(use_case) if decided else []),
        *(_ledger_views(use_case, connector, counts) if is_counted else []),
    ]
    inserts = [
        *(s for s in own if s.startswith("INSERT")),
        *([_decided(decided)] if decided else []),
        *map(_record, records),
        *map(_report, use_case.reports),
        _progress(use_case),
        *([_dead_letters(use_case)] if "refused" in created else []),
        *(_malformed(use_case, stream) for stream in _unchecked(use_case)),
        *([_ledger(use_case)] if is_counted else []),
    ]
    return Statements(tuple(definitions), tuple(inserts))


def functions() -> tuple[str, ...]:
    """The statements that make the platform's functions known, before anything else is executed."""
    return tuple(
        f"CREATE TEMPORARY SYSTEM FUNCTION {name.upper()} AS 'sdp.functions.{name}'"
        for name in FUNCTIONS
    )


def _functions(use_case: UseCase) -> Iterator[str]:
    # in the use case's own database: two use cases may give one name to different functions
    for name, java in use_case.functions.items():
        yield f"CREATE TEMPORARY FUNCTION {name} AS '{java}'"


def substitutions(
    use_case: UseCase, parameters: Parameters, connector: Connector
) -> dict[str, str]:
    """What `${name}` in a pipeline file may name.

    - `use_case`: its name, which begins the names of its operators.
    - `events`, `event_names`: the columns of all that is read of a record, with and without types.
    - `event_nulls`: as many columns that are null, for rows beside them that are no events.
    - `checks`: the options of a table that checks the events which are written to it: what to
      check, and what the events are called.
    - `columns.Class`: the names of the columns of a definition, `fields.Class`: the same for an
      option; `taken.Class`: of those that a record takes from its events, `typed.Class`: the same
      with their types.
    - `envelope`: the options that tell an operator what is in which of these columns.
    - `definitions`: the options that tell an operator where the use case's definitions are, and
      the versions of its model.
    - `origin`, `origin_columns`: those of these columns that every event has, and `refused` needs,
      without and with types. A table that an operator reads does best with these and what it uses:
      every column is copied for every event.
    - `bucket`: the start of the bucket in which `occurred_at` is, epoch seconds.
    - `outcomes`: the columns of `outcomes`, with types.
    - `Name`: a parameter; of a duration also `Name.ms`, `Name.seconds` and, for SQL,
      `Name.interval`.

    Where events are on several streams, `events`, `event_names`, `event_nulls` and `checks` take
    the stream's name: `events.readings`.
    """
    values = {
        "use_case": use_case.name,
        "envelope": _options(_ENVELOPE),
        "origin": _listed(ORIGIN),
        "origin_columns": flink.column_list(flink.common_columns()),
        "bucket": flink.bucket(parameters.aggregation_period),
        "outcomes": _outcome_columns(),
    }
    if use_case.has_versions:
        values["definitions"] = _options(connector.definitions(use_case.name))
    for schema in use_case.schemas:
        values[f"columns.{schema.name}"] = _listed(schema.names)
        values[f"fields.{schema.name}"] = ",".join(schema.names)
        values[f"taken.{schema.name}"] = _listed(schema.taken)
        values[f"typed.{schema.name}"] = flink.column_list(flink.taken_columns(schema))
    streams = use_case.event_streams
    for stream in streams:
        end = f".{flink.table_name(stream)}" if len(streams) > 1 else ""
        values |= {name + end: text for name, text in _of_stream(use_case, stream).items()}
    for name, value in parameters.values.items():
        values |= _of_parameter(name, value)
    return values


def _of_stream(use_case: UseCase, stream: str) -> dict[str, str]:
    columns, events = flink.input_columns(use_case, stream), use_case.events_on(stream)
    return {
        "events": flink.column_list(columns),
        "event_names": _listed([name for name, _ in columns]),
        "event_nulls": ", ".join(f"CAST(NULL AS {type_}) AS `{name}`" for name, type_ in columns),
        "checks": _options({"labels": _labels(events), "checks": flink.check_lines(events)}),
    }


def _labels(events: Sequence[Schema]) -> str:
    # senders read of an event by its name, which may be another than its type
    return ",".join(f"{e.type}={e.name.lower()}" for e in events)


def _of_parameter(name: str, value: Value) -> dict[str, str]:
    match value:
        case timedelta():
            seconds, text = value // timedelta(seconds=1), format_duration(value)
            return {
                name: literal(text),
                f"{name}.ms": str(seconds * 1000),
                f"{name}.seconds": str(seconds),
                f"{name}.interval": flink.interval(value),
            }
        case str():
            return {name: literal(value)}
        case int() | float():
            return {name: to_text(value)}
    assert_never(value)


# The columns of a record that are the platform's, for an operator that reads records as they came.
_ENVELOPE = {
    "stage": "type",
    "ignored": flink.HEARTBEAT,
    "time": "occurred_at",
    "arrival": "arrival_timestamp",
    "received": "received_at",
    "data": "data",
    "own": ",".join(OWN),
}


def _options(options: Mapping[str, str]) -> str:
    return ",\n  ".join(f"'{key}' = {literal(value)}" for key, value in options.items())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_CREATES = re.compile(r"CREATE TEMPORARY (?:TABLE|VIEW) `?(\w+)`?\s")
_INSERTS = re.compile(r"INSERT INTO `?(\w+)`?\s")


def _names(statements: list[str], kind: re.Pattern[str]) -> set[str]:
    return {match[1] for s in statements if (match := kind.match(s))}


def view_of(record: Schema) -> str:
    """The view that a record is written from: its class in snake case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", record.name).lower()


def _require(use_case: UseCase, created: set[str], records: list[Schema]) -> None:
    required = {r.path: f"report {r.name}" for r in use_case.reports}
    required |= {view_of(r): f"record {r.name}" for r in records}
    if missing := [
        f"view `{name}` for {what}" for name, what in required.items() if name not in created
    ]:
        raise PipelineError(
            f"{use_case.folder / 'pipeline'}: no file creates the {', the '.join(missing)}"
        )


def _unchecked(use_case: UseCase) -> list[str]:
    """The streams whose events no operator of the pipeline checks."""
    texts = "".join(path.read_text() for path in use_case.pipeline)
    streams = use_case.event_streams
    if len(streams) == 1:
        return [] if "${checks}" in texts else list(streams)
    return [s for s in streams if f"${{checks.{flink.table_name(s)}}}" not in texts]


_STATEMENTS = ("CREATE TEMPORARY TABLE", "CREATE TEMPORARY VIEW", "INSERT INTO")


class _Template(Template):
    idpattern = r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*"


def _pipeline(use_case: UseCase, parameters: Parameters, connector: Connector) -> list[str]:
    values = substitutions(use_case, parameters, connector)
    return [s for path in use_case.pipeline for s in pipeline_statements(path, values)]


def pipeline_statements(path: Path, values: Mapping[str, str]) -> tuple[str, ...]:
    """A file's statements, each ended by a line's `;`, without comments, parameters filled in."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("--")]
    try:
        statements = [
            _Template(statement.strip()).substitute(values)
            for statement in re.split(r";\s*$", "\n".join(lines), flags=re.MULTILINE)
            if statement.strip()
        ]
    except (KeyError, ValueError) as error:
        raise PipelineError(
            f"{path}: {error} cannot be substituted; known: {sorted(values)}"
        ) from error
    for statement in statements:
        if not statement.startswith(_STATEMENTS):
            first = statement.splitlines()[0]
            raise PipelineError(f"{path}: {first!r} starts with none of {list(_STATEMENTS)}")
    return tuple(statements)


def _tables(use_case: UseCase, parameters: Parameters, connector: Connector) -> Iterator[str]:
    for stream in use_case.event_streams:
        yield flink.source_table(
            use_case,
            stream,
            connector.source(use_case.name, stream),
            metadata=connector.metadata,
            delay=parameters.watermark_delay,
        )
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


def _end(use_case: UseCase, stream: str) -> str:
    """What the names of a stream's own views end in."""
    return f"_{flink.table_name(stream)}" if len(use_case.event_streams) > 1 else ""


def _views(use_case: UseCase) -> Iterator[str]:
    for stream in use_case.event_streams:
        end, events = _end(use_case, stream), use_case.events_on(stream)
        options = {
            "types": ",".join(event.type for event in events),
            "ignored": flink.HEARTBEAT,
            "checks": flink.check_lines(events),
        }
        given = ",\n  ".join(f"{name} => {literal(value)}" for name, value in options.items())
        yield (
            f"CREATE TEMPORARY VIEW `checked{end}` AS\n"
            f"SELECT * FROM VALIDATE(\n  input => TABLE `{flink.table_name(stream)}`,\n  {given})"
        )
        yield (
            f"CREATE TEMPORARY VIEW `decoded{end}` AS\n"
            f"SELECT * FROM `checked{end}`\n"
            f"WHERE `violation` IS NULL AND `type` <> '{flink.HEARTBEAT}'"
        )


def _record(record: Schema) -> str:
    return (
        f"INSERT INTO `{flink.table_name(record.stream)}`\n"
        f"SELECT {_listed(record.names)}\nFROM `{view_of(record)}`"
    )


def _changelog(report: Schema) -> str:
    return _upserts(report.path)


def _upserts(view: str) -> str:
    # an updating result as an append-only stream of upserts
    return (
        f"CREATE TEMPORARY VIEW `{view}_changelog` AS\n"
        f"SELECT * FROM TO_CHANGELOG(\n  input => TABLE `{view}`,\n"
        "  op => DESCRIPTOR(`op`),\n"
        "  op_mapping => MAP['INSERT, UPDATE_AFTER', 'upsert', 'DELETE', 'delete'])"
    )


def _report(report: Schema) -> str:
    names = _listed([*report.names, "version"])
    return (
        f"INSERT INTO `{flink.table_name(report.stream)}`\n"
        f"SELECT {names}, CAST(0 AS BIGINT)\nFROM `{report.path}_changelog`"
    )


def _beats(use_case: UseCase) -> str:
    # no row of a changelog passes: only its watermark does, which is behind the aggregation's
    parts = [
        f"SELECT CAST(NULL AS TIMESTAMP_LTZ(3)) AS `heartbeat_at`\n"
        f"FROM `{report.path}_changelog` WHERE `op` = 'none'"
        for report in use_case.reports
    ]
    parts += [
        "SELECT CAST(`occurred_at` AS TIMESTAMP_LTZ(3)) AS `heartbeat_at`\n"
        f"FROM `{flink.table_name(stream)}` "
        f"WHERE `type` = '{flink.HEARTBEAT}' AND ({flink.IN_FUTURE}) IS NOT TRUE"
        for stream in use_case.event_streams
    ]
    return "CREATE TEMPORARY VIEW `beats` AS\n" + "\nUNION ALL\n".join(parts)


def _progress(use_case: UseCase) -> str:
    return (
        f"INSERT INTO `{PROGRESS}`\n"
        f"SELECT '{use_case.name}', `watermark`, `heartbeat_at`\n"
        f"FROM PROGRESS(input => TABLE `beats`, uid => '{use_case.name}-progress')"
    )


LEDGER = "sdp_ledger"


DECIDED = "sdp_decided"
# What the table of records with an outcome has of them: enough to find the receipt.
_DECIDED_COLUMNS = (
    ("received_at", "TIMESTAMP_LTZ(3)"),
    ("data", "BYTES"),
    ("outcome", "STRING"),
)


def _decided_parts(use_case: UseCase, created: set[str]) -> list[str]:
    """The queries of the records whose outcome SQL decides; no operator counts them."""
    names = _listed([name for name, _ in _DECIDED_COLUMNS[:-1]])
    parts = [
        f"SELECT {names}, 'malformed'\nFROM `checked{_end(use_case, stream)}`\n"
        "WHERE `violation` IS NOT NULL"
        for stream in _unchecked(use_case)
    ]
    if "left_out" in created:
        parts.append(f"SELECT {names}, 'filtered'\nFROM `left_out`")
    if "decided" in created:
        parts.append(f"SELECT {names}, `outcome`\nFROM `decided`")
    return parts


def _decided(parts: list[str]) -> str:
    return f"INSERT INTO `{DECIDED}`\n" + "\nUNION ALL\n".join(parts)


def _decided_tables(use_case: UseCase) -> Iterator[str]:
    """The table that they are written to, and the port with their counts."""
    name = {"connector": "outcomes", "name": f"{use_case.name}-outcomes"}
    columns = {"received": "received_at", "data": "data", "outcome": "outcome"}
    yield (
        f"CREATE TEMPORARY TABLE `{DECIDED}` (\n  {flink.column_list(_DECIDED_COLUMNS)}\n) WITH (\n"
        f"  {_options(name | columns)}\n)"
    )
    yield (
        f"CREATE TEMPORARY TABLE `{DECIDED}_outcomes` (\n  {_outcome_columns()}\n) WITH (\n"
        f"  {_options(name | {'port': 'ledger'})}\n)"
    )


def _outcome_columns() -> str:
    return flink.column_list([(name, "BIGINT") for name in ("minute", *COUNTS)])


def _ledger_views(use_case: UseCase, connector: Connector, counts: Sequence[str]) -> Iterator[str]:
    """The totals of these tables of counts; the version, all that was counted, only grows."""
    yield flink.sink_table(
        LEDGER,
        list(flink.LEDGER_ROW),
        connector.ledger(use_case.name),
        partition_key="minute" if connector.partitioned else "",
    )
    sums = ",\n  ".join(f"SUM(`{name}`) AS `{name}`" for name in COUNTS)
    everything = " + ".join(f"`{name}`" for name in COUNTS)
    yield (
        f"CREATE TEMPORARY VIEW `{LEDGER}_totals` AS\n"
        f"SELECT\n  `minute`,\n  {sums},\n  SUM({everything}) AS `version`\n"
        f"FROM {_all_outcomes(counts)}\nGROUP BY `minute`"
    )
    yield _upserts(f"{LEDGER}_totals")


def _all_outcomes(counts: Sequence[str]) -> str:
    if len(counts) == 1:
        return f"`{counts[0]}`"
    names = _listed(["minute", *COUNTS])
    parts = (f"  SELECT {names} FROM `{table}`" for table in counts)
    return "(\n" + "\n  UNION ALL\n".join(parts) + "\n)"


def _ledger(use_case: UseCase) -> str:
    return (
        f"INSERT INTO `{LEDGER}`\n"
        f"SELECT '{use_case.name}', {_listed(['minute', *COUNTS, 'version'])}\n"
        f"FROM `{LEDGER}_totals_changelog`"
    )


def _dead_letters(use_case: UseCase) -> str:
    return (
        f"INSERT INTO `{flink.table_name(DEAD_LETTERS)}`\n"
        + _dead_letter(use_case, _stream(use_case), "`outcome`", _REASON, _FIELD)
        + _from("`refused`")
    )


def _malformed(use_case: UseCase, stream: str) -> str:
    field = "SPLIT_INDEX(`violation`, ' ', 0)"
    return (
        f"INSERT INTO `{flink.table_name(DEAD_LETTERS)}`\n"
        + _dead_letter(use_case, f"'{stream}'", "'malformed'", "`violation`", field)
        + _from(f"`checked{_end(use_case, stream)}`", "`violation` IS NOT NULL")
    )


_REASON = "COALESCE(`detail`, `outcome`)"
_FIELD = "CASE WHEN `outcome` = 'malformed' THEN SPLIT_INDEX(`detail`, ' ', 0) END"

# When the platform decided: in a stream it is evaluated for each row. Nothing depends on it.
_NOW = "CURRENT_TIMESTAMP"


def _stream(use_case: UseCase) -> str:
    """SQL: the stream that a record of `refused` came from."""
    first, *others = use_case.event_streams
    if not others:
        return f"'{first}'"
    lines = [f"WHEN '{event.type}' THEN '{event.stream}'" for event in use_case.events]
    return f"CASE `type` {' '.join(lines)} END"


def _dead_letter(use_case: UseCase, stream: str, reason: str, detail: str, field: str) -> str:
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
  ROW({stream}, `shard_id`, `sequence_number`)"""


def _from(rows: str, condition: str = "") -> str:
    """The rows that a condition holds for, each with what a dead letter may carry of its bytes."""
    enclosed = f"ENCLOSE(`data`, {LETTER_BYTES}) AS `enclosed`"
    where = f" WHERE {condition}" if condition else ""
    return f"\nFROM (SELECT *, {enclosed} FROM {rows}{where})"
