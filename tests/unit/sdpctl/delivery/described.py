"""A delivery stream and a table as the control plane describes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from sdpctl.local.delivery.columns import arrow_type, timestamp_pattern
from sdpctl.local.delivery.conversion import Layout
from sdpctl.local.delivery.streams import DeliveryStream, parse

PARTITION = "date=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/"
FORMATS = ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "yyyy-MM-dd'T'HH:mm:ss'Z'")
COLUMNS = {
    "id": "string",
    "count": "bigint",
    "ratio": "double",
    "good": "boolean",
    "at": "timestamp",
    "source": "struct<shard:string,number:bigint>",
}


def layout(columns: dict[str, str] | None = None) -> Layout:
    """These columns, timestamps with none or three decimals."""
    fields = [(name, arrow_type(kind)) for name, kind in (columns or COLUMNS).items()]
    return Layout(pa.schema(fields), timestamp_pattern(FORMATS))


def description(**changes: Any) -> dict[str, Any]:
    """A DeliveryStreamDescription as AWS gives it; `changes` are of its S3 destination."""
    conversion = {
        "Enabled": True,
        "InputFormatConfiguration": {
            "Deserializer": {"HiveJsonSerDe": {"TimestampFormats": list(FORMATS)}}
        },
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
        "SchemaConfiguration": {
            "DatabaseName": "base",
            "TableName": "parquet_things",
            "Region": "us-east-1",
            "VersionId": "LATEST",
        },
    }
    s3 = {
        "BucketARN": "arn:aws:s3:::lake",
        "Prefix": f"parquet/things/{PARTITION}",
        "ErrorOutputPrefix": "errors/things/!{firehose:error-output-type}/" + PARTITION,
        "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 64},
        "DataFormatConversionConfiguration": conversion,
        "S3BackupMode": "Enabled",
        "S3BackupDescription": {
            "BucketARN": "arn:aws:s3:::lake",
            "Prefix": f"raw/things/{PARTITION}",
            "CompressionFormat": "UNCOMPRESSED",
        },
        **changes,
    }
    source = {
        "KinesisStreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/things",
        "DeliveryStartTimestamp": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return {
        "DeliveryStreamName": "things-lake",
        "VersionId": "1",
        "Source": {"KinesisStreamSourceDescription": source},
        "Destinations": [{"ExtendedS3DestinationDescription": s3}],
    }


def delivery_stream(**changes: Any) -> DeliveryStream:
    """The same, parsed."""
    return parse(description(**changes))
