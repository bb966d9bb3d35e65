"""Which rows to train on: a range of time, and manifests of the files with its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from features.definition import MIN_ROWS, Definition
from glue.instants import EPOCH, parse, to_wire
from lambdas.lakestore.objects import Objects
from lambdas.model_names import Names
from lambdas.ports.training import Lake, Partition

# Ingestion accepts rows slightly ahead of the delivery's clock; an hour covers that.
MARGIN = timedelta(hours=1)
TEST_SHARE = 0.7  # all rows that may be held out lie in the newest part; generous on purpose
MINUTES = timedelta(days=3)
OVERSAMPLE = 10  # the files of a job have this many times the rows of its sample
_STEP = 0.6180339887498949  # multiples of the golden ratio are spread evenly over any range


@dataclass(frozen=True)
class Window:
    """Half-open range of event time, UTC."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, requested: Mapping[str, Any], started: datetime, days: int) -> Window:
        """The range in a run's input, or the last days before the run started."""
        end = parse(requested["to"]) if requested.get("to") else started
        start = parse(requested["from"]) if requested.get("from") else end - timedelta(days=days)
        return cls(start.astimezone(UTC), end.astimezone(UTC))


def prepare(
    lake: Lake,
    objects: Objects,
    names: Names,
    version: str,
    definition: Definition,
    table: str,
    window: Window,
    sample_rows: int,
) -> dict[str, Any]:
    """Write the manifests of `train` and `test`; jobs sample at most `sample_rows` of them.

    Status "no data" if the range is empty, "too few rows" if it has too few to train on: then no
    job is started, and nothing is written.
    """
    counts = _counts(lake, definition, table, window)
    rows = sum(count.rows for count in counts)
    result: dict[str, Any] = {
        "status": "ready",
        "rows": rows,
        "from": to_wire(window.start),
        "to": to_wire(window.end),
        # The next run counts only later rows as new.
        "through": to_wire(counts[-1].newest) if counts else None,
    }
    if 0 < rows < MIN_ROWS:
        reason = f"{rows:,} rows; {MIN_ROWS:,} are needed"
        return {**result, "status": "too few rows", "reason": reason}
    partitions = lake.partitions(table, _hour(window.start)[:10]) if rows else []
    chosen = {
        "train": bounded(_since(partitions, window.start), rows, sample_rows),
        "test": newest(_since(partitions, _reached(counts, rows)), rows, sample_rows),
    }
    for name, hours in chosen.items():
        keys = [key for p in hours for key in _files(objects, names, p)]
        if not keys:
            return {**result, "status": "no data"}
        result[name] = names.key(version, f"{name}.manifest.json")
        objects.write(result[name], manifest(names, keys), "application/json")
        result[f"{name}_files"] = len(keys)
    return result


def bounded(partitions: Sequence[Partition], rows: int, sample_rows: int) -> list[Partition]:
    """The files that a job downloads, OVERSAMPLE times its sample: the newest, others spread.

    All files if they do not have that many rows.
    """
    kept = newest(partitions, rows, sample_rows)
    older = partitions[: len(partitions) - len(kept)]
    count = len(older)
    indices = dict.fromkeys(int(n * _STEP % 1 * count) for n in range(10 * count))
    return [older[index] for index in sorted(list(indices)[: len(kept)])] + kept


def newest(partitions: Sequence[Partition], rows: int, sample_rows: int) -> list[Partition]:
    """The newest files, with about half of the rows that a job may download, or all."""
    count = len(partitions)
    if rows <= OVERSAMPLE * sample_rows:
        return list(partitions)
    return list(partitions[-max(1, OVERSAMPLE // 2 * sample_rows * count // rows) :])


def manifest(names: Names, keys: Iterable[str]) -> bytes:
    """SageMaker's ManifestFile: the common prefix, then the rest of each key."""
    return json.dumps([{"prefix": names.uri("")}, *keys]).encode()


def moment(value: datetime) -> str:
    """A time as a SQL literal."""
    return f"TIMESTAMP '{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}'"


def within(definition: Definition, window: Window) -> str:
    """The SQL condition for a range, limited to the partitions that can contain its rows."""
    time = definition.time
    return (
        f"date >= '{_hour(window.start)[:10]}' "
        f"AND {time} >= {moment(window.start)} AND {time} < {moment(window.end)}"
    )


class _Count(NamedTuple):
    """The number of rows in a minute or an hour, and the time of the newest."""

    start: datetime
    rows: int
    newest: datetime


def _counts(lake: Lake, definition: Definition, table: str, window: Window) -> list[_Count]:
    """Rows per minute (per hour in a long range), in order of time."""
    unit = "minute" if window.end - window.start <= MINUTES else "hour"
    moment_of = f"date_trunc('{unit}', {definition.time})"
    rows = lake.query(
        f"SELECT {moment_of} AS moment, count(*) AS amount, max({definition.time}) AS newest "
        f"FROM {table} WHERE {within(definition, window)} GROUP BY {moment_of} ORDER BY moment"
    )
    return [_Count(_instant(str(at)), int(str(n)), _instant(str(last))) for at, n, last in rows]


def _reached(counts: list[_Count], rows: int) -> datetime:
    """The latest time with at most TEST_SHARE of the rows before it."""
    seen = 0
    for count in counts:
        if seen + count.rows > rows * TEST_SHARE:
            return count.start
        seen += count.rows
    return EPOCH  # no rows


def _since(partitions: Iterable[Partition], start: datetime) -> list[Partition]:
    """The partitions that can contain rows from that time on: rows arrive after they occur."""
    first = _hour(start - MARGIN)
    return [p for p in partitions if f"{p.date}T{p.hour}" >= first]


def _files(objects: Objects, names: Names, partition: Partition) -> list[str]:
    folder = partition.location.removeprefix(names.uri("")).rstrip("/") + "/"
    keys = (stored.key for stored in objects.objects(folder))
    return [key for key in keys if key.rpartition("/")[2][:1] not in ("", ".", "_")]


def _hour(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H}"


def _instant(text: str) -> datetime:
    """A time as Athena returns it: UTC without an offset."""
    instant = datetime.fromisoformat(text.removesuffix(" UTC"))
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
