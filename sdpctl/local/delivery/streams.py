"""Delivery streams as the control plane describes them, with the columns of their Glue tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from sdpctl.local import aws
from sdpctl.local.delivery.columns import arrow_type, timestamp_pattern
from sdpctl.local.delivery.conversion import Layout
from sdpctl.local.delivery.errors import UnsupportedFormat
from sdpctl.settings import Settings

Description = Mapping[str, Any]
HIVE_TIMESTAMP = ("yyyy-MM-dd HH:mm:ss",)
SOURCE = "KinesisStreamAsSource"


@dataclass(frozen=True)
class Target:
    """A bucket and the prefix of its objects, expressions unevaluated."""

    bucket: str
    prefix: str
    gzip: bool = False


@dataclass(frozen=True)
class DeliveryStream:
    """What is read from where, and where it goes. `interval` in seconds, `size` in bytes."""

    name: str
    version: str
    stream: str
    since: datetime
    interval: float
    size: int
    rows: Target
    errors: Target
    originals: Target | None
    schema: Description
    timestamps: tuple[str, ...]
    compression: str


def names(settings: Settings) -> list[str]:
    """The delivery streams that read a Kinesis stream."""
    firehose, streams = aws.client(settings, "firehose"), list[str]()
    more: dict[str, str] = {}
    while True:
        page = firehose.list_delivery_streams(DeliveryStreamType=SOURCE, Limit=1000, **more)
        streams += page["DeliveryStreamNames"]
        if not page["HasMoreDeliveryStreams"] or not streams:
            return streams
        more = {"ExclusiveStartDeliveryStreamName": streams[-1]}


def described(settings: Settings, name: str) -> DeliveryStream:
    """One delivery stream as it is now; raises DeliveryError."""
    firehose = aws.client(settings, "firehose")
    return parse(
        firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    )


def parse(description: Description) -> DeliveryStream:
    """A DeliveryStreamDescription; raises UnsupportedFormat if it asks for no Parquet."""
    name = description["DeliveryStreamName"]
    source = description["Source"]["KinesisStreamSourceDescription"]
    s3 = description["Destinations"][0].get("ExtendedS3DestinationDescription", {})
    conversion = s3.get("DataFormatConversionConfiguration", {})
    parquet = _choice(conversion, "OutputFormatConfiguration", "Serializer").get("ParquetSerDe")
    if parquet is None or not conversion.get("Enabled", True):
        raise UnsupportedFormat(f"{name}: only a conversion to Parquet is delivered here")
    hints = s3["BufferingHints"]
    return DeliveryStream(
        name=name,
        version=description["VersionId"],
        stream=source["KinesisStreamARN"].rpartition("/")[2],
        since=source["DeliveryStartTimestamp"],
        interval=float(hints["IntervalInSeconds"]),
        size=int(hints["SizeInMBs"]) << 20,
        rows=Target(_bucket(s3), s3["Prefix"]),
        errors=Target(_bucket(s3), s3["ErrorOutputPrefix"]),
        originals=_originals(s3),
        schema=conversion["SchemaConfiguration"],
        timestamps=_timestamps(_choice(conversion, "InputFormatConfiguration", "Deserializer")),
        compression=parquet.get("Compression", "SNAPPY"),
    )


def layout(settings: Settings, stream: DeliveryStream) -> Layout:
    """The columns of the stream's Glue table, as it is now; raises UnsupportedColumn."""
    database, table = stream.schema["DatabaseName"], stream.schema["TableName"]
    definition = aws.client(settings, "glue").get_table(DatabaseName=database, Name=table)
    columns = definition["Table"]["StorageDescriptor"]["Columns"]
    return Layout(
        pa.schema([(c["Name"], arrow_type(c["Type"])) for c in columns]),
        timestamp_pattern(stream.timestamps),
    )


def _choice(conversion: Description, *path: str) -> Description:
    choice = conversion
    for name in path:
        choice = choice.get(name) or {}
    return choice


def _timestamps(deserializer: Description) -> tuple[str, ...]:
    hive = deserializer.get("HiveJsonSerDe")
    if hive is None:
        raise UnsupportedFormat(f"deserializer {sorted(deserializer)}; known: ['HiveJsonSerDe']")
    return tuple(hive.get("TimestampFormats") or HIVE_TIMESTAMP)


def _originals(s3: Description) -> Target | None:
    backup = s3.get("S3BackupDescription")
    if s3.get("S3BackupMode") != "Enabled":
        return None
    if not backup:
        raise UnsupportedFormat("the backup of source records is enabled but not described")
    compression = backup.get("CompressionFormat", "UNCOMPRESSED")
    if compression not in ("UNCOMPRESSED", "GZIP"):
        raise UnsupportedFormat(f"backup compression {compression!r}; known: UNCOMPRESSED, GZIP")
    return Target(_bucket(backup), backup.get("Prefix", ""), gzip=compression == "GZIP")


def _bucket(s3: Description) -> str:
    return str(s3["BucketARN"].rpartition(":")[2])
