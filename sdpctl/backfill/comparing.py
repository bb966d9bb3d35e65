"""Buckets of reports: computed from the lake, stored live, and where the two differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from glue import Schema, UseCase
from lambdas.result_records import layouts, report_row
from sdpctl.backfill.plan import Span


class Key(NamedTuple):
    """A bucket of a report: its key, and its start (epoch seconds)."""

    path: str
    key: Any
    period: int


@dataclass(frozen=True)
class Bucket:
    """A bucket's measures by name, and their version; one of version 0 counts no record."""

    measures: Mapping[str, Any]
    version: int
    generation: int = 0


class Difference(NamedTuple):
    """A measure that differs; None where the bucket is missing."""

    key: Key
    measure: str
    lake: Any
    live: Any


Buckets = dict[Key, Bucket]


def newest(use_case: UseCase, rows: Iterable[Mapping[str, Any]], span: Span) -> Buckets:
    """The newest version of each bucket that starts within the span, from a stream of upserts.

    Raises Malformed for a row that belongs to no report of the use case.
    """
    streams = dict.fromkeys(report.stream for report in use_case.reports)
    known = [layout for stream in streams for layout in layouts(use_case, stream)]
    low, high = span.start.timestamp(), span.end.timestamp()
    buckets: Buckets = {}
    for row in rows:
        report = report_row(known, row)
        key = Key(report.path, row[report.key], row[report.period])
        held = buckets.get(key)
        if low <= key.period < high and (held is None or row["version"] > held.version):
            buckets[key] = bucket(report, row)
    return buckets


def bucket(report: Schema, row: Mapping[str, Any]) -> Bucket:
    """A row's measures and version."""
    measures = {column.name: row.get(column.name) for column in report.measures}
    return Bucket(measures, int(row["version"]), int(row["generation"]))


def in_order(keys: Iterable[Key]) -> list[Key]:
    """The keys by report, key of the report, and time."""
    return sorted(keys, key=lambda k: (k.path, str(k.key), k.period))


def emptied(use_case: UseCase, key: Key) -> Bucket:
    """The bucket that counts no record."""
    report = next(report for report in use_case.reports if report.path == key.path)
    return Bucket(dict.fromkeys(column.name for column in report.measures), 0)


def differences(lake: Buckets, live: Buckets) -> Iterator[Difference]:
    """Every measure that differs, in the order of the buckets."""
    for key in in_order(lake.keys() | live.keys()):
        ours, theirs = _measures(lake, key), _measures(live, key)
        for name in dict.fromkeys((*ours, *theirs)):
            if ours.get(name) != theirs.get(name):
                yield Difference(key, name, ours.get(name), theirs.get(name))


def rows(use_case: UseCase, buckets: Buckets, generation: int) -> Iterator[tuple[str, Any, Any]]:
    """Stream, key and row of each bucket, as the pipeline would write them in that generation."""
    reports = {report.path: report for report in use_case.reports}
    for key in in_order(buckets):
        bucket, report = buckets[key], reports[key.path]
        row = {report.key: key.key, report.period: key.period, **bucket.measures}
        yield report.stream, key.key, {**row, "version": bucket.version, "generation": generation}


def _measures(buckets: Buckets, key: Key) -> Mapping[str, Any]:
    return buckets[key].measures if key in buckets and buckets[key].version else {}
