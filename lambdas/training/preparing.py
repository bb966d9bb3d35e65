"""Which rows to train on: a range of time, and the files that hold its rows, as manifests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from glue.features import LEAST_ROWS, Definition
from glue.instants import EPOCH, parse, to_wire
from lambdas.training.names import Names
from lambdas.training.ports import Lake, Objects, Partition

# Rows may be ahead of the delivery's clock by what ingestion allows; an hour covers it.
MARGIN = timedelta(hours=1)
TEST_SHARE = 0.7  # all rows that may be held out lie in the newest part; generous on purpose
MINUTES = timedelta(days=3)
OVERSAMPLE = 10  # a job samples rows from files that have so many times more
_STEP = 0.6180339887498949  # multiples of the golden ratio are spread evenly over any range


@dataclass(frozen=True)
class Window:
    """Half-open range of event time, UTC."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, asked: Mapping[str, Any], started: datetime, days: int) -> Window:
        """What a run's input asks for, else the last days before the run began."""
        end = parse(asked["to"]) if asked.get("to") else started
        start = parse(asked["from"]) if asked.get("from") else end - timedelta(days=days)
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
    """Write the manifests of `train` and `test`; jobs take `sample_rows` at most from them.

    Status "no data" where the range is empty, "too few rows" where nothing can be learned from
    what is there: no job is started then, and nothing is written.
    """
    counts = _counts(lake, definition, table, window)
    rows = sum(count.rows for count in counts)
    found: dict[str, Any] = {
        "status": "ready",
        "rows": rows,
        "from": to_wire(window.start),
        "to": to_wire(window.end),
        # The next run counts as new what is later.
        "through": to_wire(counts[-1].newest) if counts else None,
    }
    if 0 < rows < LEAST_ROWS:
        reason = f"{rows:,} rows; {LEAST_ROWS:,} are needed"
        return {**found, "status": "too few rows", "reason": reason}
    partitions = lake.partitions(table, _hour(window.start)[:10]) if rows else []
    chosen = {
        "train": bounded(_since(partitions, window.start), rows, sample_rows),
        "test": newest(_since(partitions, _reached(counts, rows)), rows, sample_rows),
    }
    for name, found_in in chosen.items():
        keys = [key for p in found_in for key in _files(objects, p)]
        if not keys:
            return {**found, "status": "no data"}
        found[name] = names.key(version, f"{name}.manifest.json")
        objects.write(found[name], manifest(names, keys), "application/json")
        found[f"{name}_files"] = len(keys)
    return found


def bounded(partitions: Sequence[Partition], rows: int, sample_rows: int) -> list[Partition]:
    """So many that a job downloads OVERSAMPLE times its sample: the newest, others spread evenly.

    All of them where the rows are not that many more than the sample.
    """
    kept = newest(partitions, rows, sample_rows)
    older = partitions[: len(partitions) - len(kept)]
    count = len(older)
    places = dict.fromkeys(int(n * _STEP % 1 * count) for n in range(10 * count))
    return [older[place] for place in sorted(list(places)[: len(kept)])] + kept


def newest(partitions: Sequence[Partition], rows: int, sample_rows: int) -> list[Partition]:
    """Those with about half of the rows that a job may download; all where they are few."""
    count = len(partitions)
    if rows <= OVERSAMPLE * sample_rows:
        return list(partitions)
    return list(partitions[-max(1, OVERSAMPLE // 2 * sample_rows * count // rows) :])


def manifest(names: Names, keys: Iterable[str]) -> bytes:
    """SageMaker's ManifestFile: the common prefix, then what follows it."""
    return json.dumps([{"prefix": names.uri("")}, *keys]).encode()


def moment(value: datetime) -> str:
    """A time as SQL has it."""
    return f"TIMESTAMP '{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}'"


def within(definition: Definition, window: Window) -> str:
    """The condition of a range, with the partitions that can hold its rows."""
    time = definition.time
    return (
        f"date >= '{_hour(window.start)[:10]}' "
        f"AND {time} >= {moment(window.start)} AND {time} < {moment(window.end)}"
    )


class _Count(NamedTuple):
    """The rows of a minute or an hour, and the newest of them."""

    start: datetime
    rows: int
    newest: datetime


def _counts(lake: Lake, definition: Definition, table: str, window: Window) -> list[_Count]:
    """Rows by minute (by hour in a long range), in order of time."""
    unit = "minute" if window.end - window.start <= MINUTES else "hour"
    moment_of = f"date_trunc('{unit}', {definition.time})"
    rows = lake.query(
        f"SELECT {moment_of} AS moment, count(*) AS amount, max({definition.time}) AS newest "
        f"FROM {table} WHERE {within(definition, window)} GROUP BY {moment_of} ORDER BY moment"
    )
    return [_Count(_instant(str(at)), int(str(n)), _instant(str(last))) for at, n, last in rows]


def _reached(counts: list[_Count], rows: int) -> datetime:
    """The time before which TEST_SHARE of the rows lie, at most."""
    seen = 0
    for count in counts:
        if seen + count.rows > rows * TEST_SHARE:
            return count.start
        seen += count.rows
    return EPOCH  # there are none


def _since(partitions: Iterable[Partition], start: datetime) -> list[Partition]:
    """The partitions that can hold rows of that time or later: nothing arrives before it is."""
    first = _hour(start - MARGIN)
    return [p for p in partitions if f"{p.date}T{p.hour}" >= first]


def _files(objects: Objects, partition: Partition) -> list[str]:
    keys = objects.keys(partition.location.rstrip("/") + "/")
    return [key for key in keys if key.rpartition("/")[2][:1] not in ("", ".", "_")]


def _hour(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H}"


def _instant(text: str) -> datetime:
    """A time as Athena answers it; UTC without saying so."""
    found = datetime.fromisoformat(text.removesuffix(" UTC"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
