"""A lake that is old enough to have compacted, written by the platform's own code.

Hour 09 of each table was delivered and merged, before the field `domain` was added; the delivered
files of that hour are still there. Hour 10 is as delivered, and repeats a row of hour 09.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

import usecases
from glue.targets.gluetable import glue_columns
from glue.targets.lake import PARTITIONS, LakeTable, lake_tables, partition_folder
from lambdas.compact.merging import DuckMerger
from sdpctl.local.delivery.batches import Record, Span, identity, objects
from sdpctl.local.delivery.columns import arrow_type, timestamp_pattern
from sdpctl.local.delivery.conversion import Layout
from tests.unit.sdpctl.delivery.described import FORMATS, PARTITION, delivery_stream

NINE = datetime(2026, 11, 21, 9, tzinfo=UTC)
TEN = NINE + timedelta(hours=1)
ADDED = "domain"
Client = Callable[[str], Any]
Json = dict[str, Any]
HIVE = "org.apache.hadoop.hive.ql.io.parquet"
STORAGE = {
    "InputFormat": f"{HIVE}.MapredParquetInputFormat",
    "OutputFormat": f"{HIVE}.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": f"{HIVE}.serde.ParquetHiveSerDe"},
}


def impression(tx_id: str, campaign: int, at: str, **more: Any) -> Json:
    """A record of the stream `impressions`."""
    found = {"tx_id": tx_id, "app_uid": "app", "campaign_item_id": campaign, "win_price": 2160}
    return {**found, "event_id": f"i-{tx_id}", "occurred_at": f"2026-11-21T{at}Z", **more}


IMPRESSIONS = (
    [impression("a", 1, "09:00:00.123"), impression("b", 1, "09:30:00.000")],
    [
        impression("b", 1, "09:30:00.000"),
        impression("c", 2, "10:00:00.500", domain="goal.example"),
    ],
)


def table_of(use_case: str, name: str) -> LakeTable:
    """The lake's table of that Parquet name, as it is declared."""
    tables = lake_tables(usecases.load().use_case(use_case))
    return next(table for table in tables if table.parquet == name)


class AgedLake:
    """Tables of a database, with their files in one bucket."""

    def __init__(self, client: Client, bucket: str, database: str) -> None:
        self.s3, self.glue = client("s3"), client("glue")
        self.bucket, self.database = bucket, database
        self.s3.create_bucket(Bucket=bucket)

    def fill(self, table: LakeTable, old: Sequence[Json], new: Sequence[Json]) -> None:
        """Create the table; `old` rows are those of the merged hour, `new` of the fresh one."""
        self.create(table)
        self._register(table, NINE, self._merged(table, old))
        self.deliver(table, new)

    def deliver(self, table: LakeTable, rows: Sequence[Json], hour: datetime = TEN) -> None:
        """The rows of the fresh hour, or of another one."""
        self._deliver(table, hour, rows)
        self._register(table, hour, table.parquet_folder + partition_folder(hour))

    def create(self, table: LakeTable) -> None:
        """A table without rows."""
        columns = [
            {"Name": c.name, "Type": c.type, "Comment": c.comment}
            for c in glue_columns(table.columns)
        ]
        keys = [{"Name": n, "Type": "string", "Comment": doc} for n, doc in PARTITIONS]
        storage = self._storage(table.parquet_folder) | {"Columns": columns}
        made = {"Name": table.parquet, "Description": table.doc, "TableType": "EXTERNAL_TABLE"}
        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={**made, "PartitionKeys": keys, "StorageDescriptor": storage},
        )

    def _merged(self, table: LakeTable, rows: Sequence[Json]) -> str:
        """Deliver two files, merge them; the folder of the merged ones."""
        before = replace(table, columns=tuple(c for c in table.columns if c.name != ADDED))
        bodies = [self._deliver(before, NINE, part) for part in (rows[:1], rows[1:])]
        generation = f"{table.compacted_folder}{partition_folder(NINE)}000001-0/"
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / f"{n}.parquet" for n in range(len(bodies))]
            for file, body in zip(files, bodies, strict=True):
                file.write_bytes(body)
            written = DuckMerger().merge(before, files, Path(folder) / "out", 10**6)
            for file in written.files:
                self._put(generation + file.name, file.read_bytes())
        return generation

    def _deliver(self, table: LakeTable, hour: datetime, rows: Iterable[Json]) -> bytes:
        """Put what the delivery makes of the rows; the Parquet object's bytes."""
        target = {"Prefix": table.parquet_folder + PARTITION, "S3BackupMode": "Disabled"}
        stream = delivery_stream(**target)
        fields = [(c.name, arrow_type(c.type)) for c in glue_columns(table.columns)]
        layout = Layout(pa.schema(fields), timestamp_pattern(FORMATS))
        records = [
            Record(str(row), hour.timestamp(), orjson.dumps(found))
            for row, found in enumerate(rows)
        ]
        span = {"shard-0": Span(str(records[0].data), str(hour))}
        (made,), rejected = objects(stream, layout, records, identity(stream, span), hour)
        assert rejected == 0
        self._put(made.key, made.body)
        return made.body

    def _register(self, table: LakeTable, hour: datetime, folder: str) -> None:
        values = {"Values": [f"{hour:%Y-%m-%d}", f"{hour:%H}"]}
        self.glue.create_partition(
            DatabaseName=self.database,
            TableName=table.parquet,
            PartitionInput={**values, "StorageDescriptor": self._storage(folder)},
        )

    def _storage(self, folder: str) -> Json:
        return {**STORAGE, "Location": f"s3://{self.bucket}/{folder}"}

    def _put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
