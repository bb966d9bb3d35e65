"""A batch of records and the S3 objects it becomes. Pure: the same batch has the same keys."""

from __future__ import annotations

import base64
import gzip
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from sdpctl.local.delivery.conversion import Layout, Reject, convert
from sdpctl.local.delivery.prefixes import CONVERSION_FAILED, evaluate, object_name
from sdpctl.local.delivery.streams import DeliveryStream, Target

_KEYS = uuid.UUID("2b4b1c1e-6a0c-4c1e-9d3a-6f5b8f6d5a10")


class Record(NamedTuple):
    """A record as Kinesis has it; `arrival` in epoch seconds."""

    sequence_number: str
    arrival: float
    data: bytes


class Span(NamedTuple):
    """The sequence numbers of the first and the last record that are meant."""

    first: str
    last: str


Spans = Mapping[str, Span]  # by shard


@dataclass(frozen=True)
class S3Object:
    """What is put where."""

    bucket: str
    key: str
    body: bytes


def identity(stream: DeliveryStream, spans: Spans) -> uuid.UUID:
    """A batch's id: the same records of the same shards have the same."""
    text = "/".join(f"{shard}:{s.first}-{s.last}" for shard, s in sorted(spans.items()))
    return uuid.uuid5(_KEYS, f"{stream.name}/{text}")


def objects(
    stream: DeliveryStream,
    layout: Layout,
    records: Sequence[Record],
    id_: uuid.UUID,
    now: datetime,
) -> tuple[list[S3Object], int]:
    """The originals, the rejects and the rows as objects; how many were rejected."""
    table, rejects = convert([r.data for r in records], layout)
    destination = _Destination(
        stream, datetime.fromtimestamp(min(r.arrival for r in records), UTC), id_
    )
    made = []
    if stream.originals:
        made.append(destination.object(stream.originals, b"".join(map(_line, records))))
    if rejects:
        body = b"".join(_error(stream, records[r.index], r, now) for r in rejects)
        made.append(destination.object(stream.errors, body, error_type=CONVERSION_FAILED))
    if table.num_rows:
        body = _parquet(table, stream.compression)
        made.append(destination.object(stream.rows, body, extension=".parquet"))
    return made, len(rejects)


class _Destination(NamedTuple):
    stream: DeliveryStream
    at: datetime
    id_: uuid.UUID

    def object(
        self, target: Target, body: bytes, *, extension: str = "", error_type: str | None = None
    ) -> S3Object:
        prefix = evaluate(target.prefix, self.at, self.id_, error_type)
        name = object_name(self.stream.name, self.stream.version, self.at, self.id_)
        if target.gzip:
            body, extension = gzip.compress(body, compresslevel=1, mtime=0), f"{extension}.gz"
        return S3Object(target.bucket, f"{prefix}{name}{extension}", body)


def _line(record: Record) -> bytes:
    return record.data if record.data.endswith(b"\n") else record.data + b"\n"


def _parquet(table: pa.Table, compression: str) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="none" if compression == "UNCOMPRESSED" else compression,
        use_deprecated_int96_timestamps=True,  # what Firehose writes: docs/adr/0017
    )
    return bytes(sink.getvalue().to_pybytes())


def _error(stream: DeliveryStream, record: Record, reject: Reject, now: datetime) -> bytes:
    """Firehose's document of a failed conversion.

    https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html
    """
    table: dict[str, Any] = {
        "catalogId": stream.schema.get("CatalogId"),
        "databaseName": stream.schema["DatabaseName"],
        "tableName": stream.schema["TableName"],
        "region": stream.schema.get("Region"),
        "versionId": stream.schema.get("VersionId", "LATEST"),
        "catalogArn": None,
    }
    document = {
        "attemptsMade": 1,
        "arrivalTimestamp": round(record.arrival * 1000),
        "lastErrorCode": reject.code,
        "lastErrorMessage": reject.message,
        "attemptEndingTimestamp": round(now.timestamp() * 1000),
        "rawData": base64.b64encode(record.data).decode(),
        "sequenceNumber": record.sequence_number,
        "subSequenceNumber": 0,
        "dataCatalogTable": table,
    }
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
