"""Records (JSON bytes) as rows of a table, and those that are none with the reason. Pure.

Converted a column at a time; only a column that does not fit is looked at value by value.
One JSON object a record, which is what every producer of the platform writes. Codes and first
sentences are Firehose's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from sdpctl.local.delivery.columns import MismatchError, array

CHUNK = 10_000  # records: bounds what is held as Python objects

MALFORMED = "DataFormatConversion.MalformedData"
PARSE_ERROR = "DataFormatConversion.ParseError"


@dataclass(frozen=True)
class Reject:
    """A record that has no row: its index in what was converted, Firehose's code, and why."""

    index: int
    code: str
    message: str


@dataclass(frozen=True)
class Layout:
    """The table's columns, and the shape of timestamps as a regular expression."""

    schema: pa.Schema
    timestamps: str


def convert(records: Sequence[bytes], layout: Layout) -> tuple[pa.Table, list[Reject]]:
    """All records as one table, in order, and the rejects by index."""
    batches: list[pa.RecordBatch] = []
    rejects: list[Reject] = []
    for start in range(0, len(records), CHUNK):
        batch, refused = _chunk(records[start : start + CHUNK], layout)
        batches.append(batch)
        rejects += [Reject(r.index + start, r.code, r.message) for r in refused]
    return pa.Table.from_batches(batches, layout.schema), rejects


def _chunk(records: Sequence[bytes], layout: Layout) -> tuple[pa.RecordBatch, list[Reject]]:
    documents, rejects = _parse(records)
    try:
        return _batch(list(documents.values()), layout), rejects
    except MismatchError:
        wrong = _mismatches(documents, layout)
        fitting = [d for index, d in documents.items() if index not in wrong]
        refused = [Reject(i, MALFORMED, wrong[i]) for i in sorted(wrong)]
        rejected = sorted([*rejects, *refused], key=lambda reject: reject.index)
        return _batch(fitting, layout), rejected


def _batch(documents: Sequence[dict[str, Any]], layout: Layout) -> pa.RecordBatch:
    columns = [
        array([d.get(field.name) for d in documents], field.type, layout.timestamps)
        for field in layout.schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=layout.schema)


def _parse(records: Sequence[bytes]) -> tuple[dict[int, dict[str, Any]], list[Reject]]:
    try:
        documents = list(map(orjson.loads, records))
        if set(map(type, documents)) <= {dict}:
            return dict(enumerate(documents)), []
    except orjson.JSONDecodeError:
        pass
    return _parse_each(records)


def _parse_each(records: Sequence[bytes]) -> tuple[dict[int, dict[str, Any]], list[Reject]]:
    documents: dict[int, dict[str, Any]] = {}
    rejects: list[Reject] = []
    for index, record in enumerate(records):
        document = _document(record)
        if isinstance(document, dict):
            documents[index] = document
        else:
            rejects.append(Reject(index, *document))
    return documents, rejects


def _document(record: bytes) -> dict[str, Any] | tuple[str, str]:
    """The record's object, or the code and message that say why there is none."""
    if not record.strip():
        return MALFORMED, "The record was empty or contained only whitespace."
    try:
        value = orjson.loads(record)
    except orjson.JSONDecodeError as error:
        return PARSE_ERROR, f"Encountered malformed JSON. {error}"
    if isinstance(value, dict):
        return value
    return MALFORMED, "The input JSON is no object at the top level."


def _mismatches(documents: dict[int, dict[str, Any]], layout: Layout) -> dict[int, str]:
    """By index, the first column that does not fit."""
    wrong: dict[int, str] = {}
    for field in layout.schema:
        values = {i: d.get(field.name) for i, d in documents.items() if i not in wrong}
        try:
            array(list(values.values()), field.type, layout.timestamps)
        except MismatchError:
            wrong |= _wrong_values(values, field, layout)
    return wrong


def _wrong_values(values: dict[int, Any], field: pa.Field, layout: Layout) -> dict[int, str]:
    wrong: dict[int, str] = {}
    for index, value in values.items():
        try:
            array([value], field.type, layout.timestamps)
        except MismatchError as error:
            wrong[index] = f"Data does not match the schema. Column {field.name!r} {error}"
    return wrong
