"""Points of a machine, as many as the page shows, put straight into the lake of the platform.

The page's API reads series there and nowhere else. Through the API of ingestion they would take
half a minute, because a machine's measurements are of one shard, which takes a thousand records a
second; that way is tested with few measurements.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from glue import UseCase
from glue.targets.lake import LakeTable, database_name, lake_tables, partition_folder
from lambdas.adapters.partitions import GluePartitions
from lambdas.lakestore.partitions import Partition
from sdpctl.local import aws, deploy
from sdpctl.settings import Settings
from usecases.machines import generator

SHOWN = 10_000  # of a series, at most
QUANTITIES = (generator.SPEED, generator.TORQUE)
Row = dict[str, Any]


@dataclass(frozen=True)
class Points:
    """Three series of one machine: speed, torque and power."""

    settings: Settings
    use_case: UseCase
    thing: str
    step: timedelta = timedelta(milliseconds=100)

    @property
    def lines(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """Path and `of` of each series, as the page lists them."""
        path = f"series/{self.use_case.name}"
        measured = [(f"{path}/measurements", {"of": quantity}) for quantity in QUANTITIES]
        return (*measured, (f"{path}/power", {}))

    def put(self, start: datetime, number: int) -> datetime:
        """One at `start` and then one each `step`, of each series; the time of the next."""
        times = [start + n * self.step for n in range(number)]
        measured = [row for at in times for row in self._measurements(at)]
        thing = {"thing": self.thing}
        power = [{**thing, "occurred_at": _naive(at), "power": _value(at)} for at in times]
        for record, rows in (("measurements", measured), ("power", power)):
            self._write(self._table(record), f"{self.thing}-{times[0]:%H%M%S%f}.parquet", rows)
        return times[-1] + self.step

    def _measurements(self, at: datetime) -> Iterator[Row]:
        for number, quantity in enumerate(QUANTITIES):
            yield {
                "type": "measurement",
                "event_id": f"{self.thing}-{quantity}-{at.timestamp()}",
                "occurred_at": _naive(at),
                "received_at": _naive(at),
                "thing": self.thing,
                "quantity": quantity,
                "result": _value(at) + number,
            }

    def _table(self, record: str) -> LakeTable:
        return next(table for table in lake_tables(self.use_case) if table.record == record)

    def _write(self, table: LakeTable, name: str, rows: list[Row]) -> None:
        """A file among those of this hour, with times in the form that Firehose writes."""
        now, buffer = datetime.now(UTC), io.BytesIO()
        folder = f"{table.parquet_folder}{partition_folder(now)}"
        pq.write_table(pa.Table.from_pylist(rows), buffer, use_deprecated_int96_timestamps=True)
        bucket = deploy.outputs(self.settings)["LakeBucket"]
        s3 = aws.client(self.settings, "s3")
        s3.put_object(Bucket=bucket, Key=folder + name, Body=buffer.getvalue())
        databases = {table.use_case: database_name(self.settings.prefix, table.use_case)}
        catalog = GluePartitions(aws.client(self.settings, "glue"), databases, bucket)
        found = next(t for t in catalog.tables(table.use_case) if t.name == table.parquet)
        catalog.add(found, [Partition(f"{now:%Y-%m-%d}", f"{now:%H}", folder)])


def _value(at: datetime) -> float:
    """Different at each time."""
    seconds = at.timestamp()
    return round(1_000 + 100 * math.sin(seconds / 7) + seconds % 60, 3)


def _naive(at: datetime) -> datetime:
    return at.replace(tzinfo=None)
