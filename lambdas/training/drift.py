"""A sample of the lake's new rows, to compare with what a model was trained on.

The reference is `features.drift`'s, stored with the model. A check reads only a few hours of new
rows, however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from features.definition import Definition
from features.drift import Sample

ROWS_READ = 200_000  # about: hours are added to a sample until it has this many
_STEP = 0.6180339887498949  # multiples of the golden ratio are spread evenly over any range


class HourRows(NamedTuple):
    """A partition of a table, and its rows."""

    date: str
    hour: str
    rows: int


def spread(hours: Sequence[HourRows], limit: int = ROWS_READ) -> list[HourRows]:
    """The newest hour, then others spread evenly, until they have the rows."""
    count = len(hours)
    if sum(hour.rows for hour in hours) <= limit:
        return list(hours)
    chosen: set[HourRows] = set()
    for n in range(10 * count):
        chosen.add(hours[count - 1 - int(n * _STEP % 1 * count)])
        if sum(hour.rows for hour in chosen) >= limit:
            break
    return sorted(chosen)


def condition(hours: Sequence[HourRows]) -> str:
    """The SQL condition for these partitions."""
    return " OR ".join(f"(date = '{hour.date}' AND hour = '{hour.hour}')" for hour in hours)


def sample_of(definition: Definition, rows: Sequence[Sequence[str | None]]) -> Sample:
    """The sample in the rows of `sample_sql`; rows without a number are left out."""
    names = [*definition.columns, definition.label]
    numbers = [names.index(column) for column in definition.numbers]
    complete = [row for row in rows if all(row[index] is not None for index in numbers)]
    columns = {name: [row[index] for row in complete] for index, name in enumerate(names)}
    values = {n: [float(str(v)) for v in columns[n]] for n in definition.numbers}
    return {**columns, **values}


def sample_sql(definition: Definition, table: str, condition: str, size: int) -> str:
    """The SQL for a random sample: the inputs and the label, as text."""
    columns = ", ".join(
        f"CAST({column} AS varchar) AS {column}"
        for column in (*definition.columns, definition.label)
    )
    return f"SELECT {columns} FROM {table} WHERE {condition} ORDER BY random() LIMIT {size}"
