"""Training rows from Parquet files: streamed, without duplicates, in order of time, compact.

A million rows of five inputs are about 60 MB: categories are numbered, times and prices are plain
arrays. Nothing here knows what a model does with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.definition import Definition
from features.encoding import Columns
from ml.errors import JobError
from ml.sampling import Sample, Span, plan

BATCH = 65_536
_UNLIMITED = 2**62
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class RowsError(JobError):
    """A file cannot be read as rows; the message has its name."""


@dataclass(frozen=True)
class Range:
    """From and to, half-open, epoch milliseconds of event time."""

    start: int
    end: int

    @classmethod
    def parse(cls, start: str, end: str) -> Range:
        """From RFC 3339 texts or epoch milliseconds; an empty text is no limit."""
        return cls(_instant(start, -_UNLIMITED), _instant(end, _UNLIMITED))

    def to_json(self) -> dict[str, str | None]:
        """From and to as text; None is no limit."""
        ends = {"from": self.start, "to": self.end}
        return {n: instant(v) if abs(v) < _UNLIMITED else None for n, v in ends.items()}


@dataclass(frozen=True)
class Rows:
    """Rows in order of `time` (epoch ms). `codes` number the texts of `values`; -1 is absent."""

    time: Integers
    label: npt.NDArray[np.bool_]
    numbers: dict[str, Floats]
    codes: dict[str, npt.NDArray[np.int32]]
    values: dict[str, list[str]]

    def __len__(self) -> int:
        """How many."""
        return len(self.time)

    def __getitem__(self, chosen: Any) -> Rows:
        """Some of them: a slice or a mask."""
        return Rows(
            self.time[chosen],
            self.label[chosen],
            {name: values[chosen] for name, values in self.numbers.items()},
            {name: values[chosen] for name, values in self.codes.items()},
            self.values,
        )

    def chunks(self, size: int = BATCH) -> Iterator[Columns]:
        """The rows as columns of plain values, some at a time: what an encoder takes."""
        texts = {c: np.array([*v, None], dtype=object) for c, v in self.values.items()}
        for first in range(0, len(self), size):
            part = slice(first, first + size)
            numbers = {name: values[part].tolist() for name, values in self.numbers.items()}
            categories = {c: texts[c][values[part]].tolist() for c, values in self.codes.items()}
            yield {**numbers, **categories}


@dataclass
class Reading:
    """Counts of the rows that were read: used, or left out and why."""

    rows: Rows
    read: int = 0
    outside: int = 0
    incomplete: int = 0
    repeated: int = 0
    files: int = 0
    left_out: int = 0
    sample: Sample = Sample()  # noqa: RUF009 (frozen)

    def counts(self) -> dict[str, int]:
        """The counts by name; `read` is the sum of the others."""
        names = ("read", "outside", "left_out", "incomplete", "repeated")
        return {n: getattr(self, n) for n in names} | {"used": len(self.rows)}


@dataclass
class _Gathered:
    """The parts of the columns as they are read."""

    definition: Definition
    keys: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    times: list[Integers] = field(default_factory=list)
    labels: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    numbers: dict[str, list[Floats]] = field(default_factory=dict)
    codes: dict[str, list[npt.NDArray[np.int32]]] = field(default_factory=dict)
    numbering: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers = {c: [] for c in self.definition.numbers}
        self.codes = {c: [] for c in self.definition.categories}
        self.numbering = {c: {} for c in self.definition.categories}

    def add(self, batch: pa.RecordBatch, times: Integers) -> None:
        """A batch that was filtered, with its times."""
        self.keys.append(_hashes(batch.column(self.definition.key)))
        self.times.append(times)
        label = batch.column(self.definition.label)
        self.labels.append(np.asarray(label.to_numpy(zero_copy_only=False), dtype=np.bool_))
        for name, numbers in self.numbers.items():
            numbers.append(_numbers(batch.column(name)))
        for name, codes in self.codes.items():
            codes.append(_codes(batch.column(name), self.numbering[name]))

    def rows(self) -> tuple[Rows, int]:
        """All rows in order of time, each key once (its first), and how many were repeats."""
        time, keys = _joined(self.times, np.int64), _joined(self.keys, np.uint64)
        order = np.lexsort((keys, time))
        _, first = np.unique(keys[order], return_index=True)
        chosen = order[np.sort(first)]
        rows = Rows(
            time[chosen],
            _joined(self.labels, np.bool_)[chosen],
            {n: _joined(parts, np.float64)[chosen] for n, parts in self.numbers.items()},
            {n: _joined(parts, np.int32)[chosen] for n, parts in self.codes.items()},
            {n: list(numbering) for n, numbering in self.numbering.items()},
        )
        return rows, len(time) - len(chosen)


def read(folder: Path, definition: Definition, within: Range, limit: int = _UNLIMITED) -> Reading:
    """The rows under a folder whose time is within the range; rows without a number are counted.

    Of more rows than `limit` a sample of about that size (`ml.sampling`): it bounds memory.
    Raises RowsError for a file that is not Parquet or lacks key, time or label.
    """
    gathered = _Gathered(definition)
    reading = Reading(rows=None)  # type: ignore[arg-type]
    files = {path: list(_spans(path, definition)) for path in _files(folder)}
    spans = [span for groups in files.values() for span in groups if span]
    reading.sample = plan(spans, within.start, within.end, limit)
    for path, groups in files.items():
        reading.files += 1
        selected = [n for n, span in enumerate(groups) if not span or _overlaps(span, within)]
        skipped = sum(s.rows for s in groups if s and not _overlaps(s, within))
        reading.read, reading.outside = reading.read + skipped, reading.outside + skipped
        for batch in _batches(path, definition, selected):
            _filter(batch, definition, within, gathered, reading)
    reading.rows, reading.repeated = gathered.rows()
    return reading


def _filter(
    batch: pa.RecordBatch,
    definition: Definition,
    within: Range,
    gathered: _Gathered,
    reading: Reading,
) -> None:
    times = _times(batch.column(definition.time))
    inside = (times >= within.start) & (times < within.end)
    taken = inside
    if not reading.sample.whole:
        taken = inside & reading.sample.takes(times, _hashes(batch.column(definition.key)))
    complete = np.ones(len(times), np.bool_)
    for column in (definition.key, definition.label):
        complete &= np.asarray(batch.column(column).is_valid())
    for column in definition.numbers:
        numbers = _numbers(batch.column(column))
        complete &= np.isfinite(numbers)
        if column in definition.unsigned:
            complete &= np.nan_to_num(numbers) >= 0
    reading.read += len(times)
    reading.outside += int(np.count_nonzero(~inside))
    reading.left_out += int(np.count_nonzero(inside & ~taken))
    reading.incomplete += int(np.count_nonzero(taken & ~complete))
    kept = taken & complete
    if kept.any():
        gathered.add(batch.filter(pa.array(kept)), times[kept])


def _files(folder: Path) -> list[Path]:
    files = (p for p in folder.rglob("*") if p.is_file() and p.name[0] not in "._")
    return sorted(files)


def _overlaps(span: Span, within: Range) -> bool:
    return span.start < within.end and span.end >= within.start


def _spans(path: Path, definition: Definition) -> Iterator[Span | None]:
    """The times of each row group, from the footer; None where only reading the rows can tell."""
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            names = file.schema_arrow.names
            for number in range(file.num_row_groups):
                yield _span(file, number, definition.time) if definition.time in names else None
    except pa.ArrowException as error:
        raise RowsError(f"{path.name}: not readable as Parquet: {error}") from error


def _span(file: pq.ParquetFile, number: int, column: str) -> Span | None:
    """Of a row group. INT96, which Firehose writes, has no figures in the footer: it is read."""
    rows = file.metadata.row_group(number).num_rows
    times = _times(_footer(file, number, column) or file.read_row_group(number, [column])[column])
    known = times[times < 2**63 - 1]
    return Span(int(known.min()), int(known.max()), rows) if len(known) else None


def _footer(file: pq.ParquetFile, number: int, column: str) -> pa.Array | None:
    """Minimum and maximum of a column of a row group."""
    group = file.metadata.row_group(number)
    indices = {group.column(n).path_in_schema: n for n in range(group.num_columns)}
    figures = group.column(indices[column]).statistics
    if figures is None or not figures.has_min_max:
        return None
    return pa.array([figures.min, figures.max], file.schema_arrow.field(column).type)


def _batches(path: Path, definition: Definition, groups: list[int]) -> Iterator[pa.RecordBatch]:
    names = [definition.key, definition.time, definition.label, *definition.columns]
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            present = [c for c in names if c in file.schema_arrow.names]
            lacking = [c for c in names[:3] if c not in present]
            if lacking:
                raise RowsError(f"{path.name}: lacks {lacking}")
            for batch in file.iter_batches(BATCH, row_groups=groups, columns=present):
                yield _with_absent(batch, [c for c in names if c not in present])
    except pa.ArrowException as error:
        raise RowsError(f"{path.name}: not readable as Parquet: {error}") from error


def _with_absent(batch: pa.RecordBatch, absent: list[str]) -> pa.RecordBatch:
    """Older files lack columns that were declared since: they are null."""
    for name in absent:
        batch = batch.append_column(name, pa.nulls(batch.num_rows))
    return batch


def _times(column: pa.Array) -> Integers:
    """Epoch milliseconds; a missing time is outside of every range."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
    return np.asarray(column.fill_null(2**63 - 1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _numbers(column: pa.Array) -> Floats:
    """Doubles, NaN where absent."""
    values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def _hashes(column: pa.Array) -> npt.NDArray[np.uint64]:
    """64 bits of each key: the same in every process."""
    texts = column.cast(pa.string()).to_numpy(zero_copy_only=False)
    return pd.util.hash_array(texts, categorize=False)


def _codes(column: pa.Array, numbering: dict[str, int]) -> npt.NDArray[np.int32]:
    """Numbers of the values, -1 where absent; new values get the next number."""
    encoded = pc.dictionary_encode(column.cast(pa.string()))
    mapped = [
        numbering.setdefault(v, len(numbering)) if v else -1 for v in encoded.dictionary.to_pylist()
    ]
    lookup = np.array([*mapped, -1], dtype=np.int32)
    positions = encoded.indices.fill_null(len(mapped)).to_numpy(zero_copy_only=False)
    return np.asarray(lookup[positions], np.int32)


def _joined(parts: list[Any], dtype: Any) -> Any:
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def _instant(text: str, unlimited: int) -> int:
    if not text:
        return unlimited
    if text.isdigit():
        return int(text)
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if instant.utcoffset() is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return round(instant.timestamp() * 1000)


def instant(millis: int) -> str:
    """RFC 3339 of epoch milliseconds."""
    return f"{np.datetime64(millis, 'ms')}Z"
