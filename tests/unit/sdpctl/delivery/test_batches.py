"""A batch as S3 objects: rows, originals and errors, under keys that a repeat has too."""

import base64
import gzip
import io
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow.parquet as pq

from sdpctl.local.delivery.batches import Record, S3Object, Span, identity, objects
from tests.unit.sdpctl.delivery.described import delivery_stream, description, layout

AT = datetime(2026, 11, 21, 9, 59, 59, tzinfo=UTC).timestamp()
NOW = datetime(2026, 11, 21, 10, 0, 30, tzinfo=UTC)
SPANS = {"shard-0": Span("1", "3")}
RECORDS = [
    Record("2", AT + 5, b'{"id":"b"}'),
    Record("1", AT, b'{"id":"a"}\n'),
    Record("3", AT + 9, b"poison"),
]


def _made(records: list[Record] = RECORDS, **changes: Any) -> dict[str, S3Object]:
    stream = delivery_stream(**changes)
    made, _ = objects(stream, layout(), records, identity(stream, SPANS), NOW)
    return {one.key.split("/")[0]: one for one in made}


def test_every_object_lies_in_the_hour_in_which_its_oldest_record_arrived() -> None:
    made = _made()
    assert all("/date=2026-11-21/hour=09/" in one.key for one in made.values())
    assert made["parquet"].key.endswith(".parquet")
    assert "/format-conversion-failed/" in made["errors"].key
    assert {one.bucket for one in made.values()} == {"lake"}


def test_rows_are_snappy_parquet_with_the_columns_of_the_table() -> None:
    file = pq.ParquetFile(io.BytesIO(_made()["parquet"].body))
    assert file.schema_arrow.names == layout().schema.names
    assert file.read()["id"].to_pylist() == ["b", "a"]
    assert file.metadata.row_group(0).column(0).compression == "SNAPPY"


def test_timestamps_are_written_as_firehose_writes_them() -> None:
    """INT96, which has no unit: a reader that works here works on AWS."""
    file = pq.ParquetFile(io.BytesIO(_made()["parquet"].body))
    place = file.schema_arrow.names.index("at")
    assert file.schema.column(place).physical_type == "INT96"


def test_originals_are_the_bytes_as_they_came_one_a_line_rejected_ones_too() -> None:
    assert _made()["raw"].body == b'{"id":"b"}\n{"id":"a"}\npoison\n'


def test_originals_are_compressed_as_the_backup_says() -> None:
    backup = description()["Destinations"][0]["ExtendedS3DestinationDescription"]
    raw = _made(S3BackupDescription={**backup["S3BackupDescription"], "CompressionFormat": "GZIP"})
    assert raw["raw"].key.endswith(".gz")
    assert gzip.decompress(raw["raw"].body).count(b"\n") == 3


def test_a_reject_is_a_document_of_firehoses_form() -> None:
    said = orjson.loads(_made()["errors"].body)
    assert base64.b64decode(said["rawData"]) == b"poison"
    assert said["lastErrorCode"] == "DataFormatConversion.ParseError"
    assert said["lastErrorMessage"].startswith("Encountered malformed JSON.")
    assert said["sequenceNumber"] == "3"
    assert said["arrivalTimestamp"] == round((AT + 9) * 1000)
    assert said["dataCatalogTable"]["tableName"] == "parquet_things"


def test_no_object_without_content() -> None:
    assert set(_made(RECORDS[:2])) == {"raw", "parquet"}
    assert set(_made(RECORDS[2:])) == {"raw", "errors"}
    assert set(_made(RECORDS[:2], S3BackupMode="Disabled")) == {"parquet"}


def test_the_same_records_have_the_same_keys_and_others_have_others() -> None:
    stream = delivery_stream()
    assert identity(stream, SPANS) == identity(stream, dict(SPANS))
    assert identity(stream, SPANS) != identity(stream, {"shard-0": Span("1", "4")})
    assert identity(stream, SPANS) != identity(stream, {"shard-1": Span("1", "3")})
    assert [o.body for o in _made().values()] == [o.body for o in _made().values()]
