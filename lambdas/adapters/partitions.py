"""The Glue catalog: tables, and the partitions that point readers at the files of an hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from glue import PlatformError, instants
from lambdas.lakestore.hours import Hour
from lambdas.lakestore.partitions import CatalogTable, Partition, Placement

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

GENERATION, COMPACTED_AT = "compaction.generation", "compaction.at"
# The maximum of BatchCreatePartition.
BATCH = 100
# The fields of GetPartition that Glue accepts as input.
_INPUT = ("Values", "StorageDescriptor", "Parameters", "LastAccessTime", "LastAnalyzedTime")


class PartitionError(PlatformError):
    """Glue refused partitions."""


class PlacementError(PartitionError):
    """A partition no longer exists, or points at a folder that compaction did not write."""


def client() -> GlueClient:
    """A client that retries when it is throttled."""
    config = Config(
        connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 8}
    )
    return boto3.client("glue", config=config)


class GluePartitions:
    """Glue for partitioning and compaction. `databases`: use case → database."""

    def __init__(self, client: GlueClient, databases: Mapping[str, str], bucket: str) -> None:
        self._client, self._databases = client, databases
        self._root = f"s3://{bucket}/"

    def tables(self, use_case: str) -> Iterator[CatalogTable]:
        """Every table of the use case's database."""
        pages = self._client.get_paginator("get_tables")
        for page in pages.paginate(DatabaseName=self._databases[use_case]):
            for table in page["TableList"]:
                made = table["CreateTime"].isoformat()
                yield CatalogTable(use_case, table["Name"], made, table["StorageDescriptor"])

    def add(self, table: CatalogTable, partitions: Sequence[Partition]) -> None:
        """Register partitions; existing ones stay as they are. Raises PartitionError."""
        inputs = [self._input(table, partition) for partition in partitions]
        for start in range(0, len(inputs), BATCH):
            answer = self._client.batch_create_partition(
                **self._table(table.use_case, table.name),
                PartitionInputList=inputs[start : start + BATCH],
            )
            codes = {e["ErrorDetail"].get("ErrorCode", "") for e in answer.get("Errors", [])}
            if wrong := codes - {"AlreadyExistsException"}:
                raise PartitionError(f"{table.use_case}/{table.name}: {sorted(wrong)}")

    def widen(self, table: CatalogTable, partition: Partition) -> None:
        """Give a registered partition the table's columns and the folder named here."""
        self._replace(table.use_case, table.name, self._input(table, partition))

    def find(self, hour: Hour) -> Placement | None:
        """Where the hour's partition points; None while it is not registered."""
        partition = self._get(hour)
        return None if partition is None else self._placement(hour, partition)

    def move(self, hour: Hour, placement: Placement) -> None:
        """Point the partition at another folder in one step; nothing else of it changes."""
        partition = self._get(hour)
        if partition is None or placement.compacted_at is None:
            raise PlacementError(f"{hour}: the partition no longer exists")
        definition: Any = {name: partition[name] for name in _INPUT if name in partition}
        definition["StorageDescriptor"] = {
            **definition["StorageDescriptor"],
            "Location": self._root + placement.location,
        }
        definition["Parameters"] = {
            **definition.get("Parameters", {}),
            **_parameters(placement.generation, placement.compacted_at),
        }
        self._replace(hour.table.use_case, hour.table.parquet, definition)

    def _replace(self, use_case: str, table: str, partition: Any) -> None:
        # Not UpdatePartition: the local emulator has only this one.
        answer = self._client.batch_update_partition(
            **self._table(use_case, table),
            Entries=[{"PartitionValueList": partition["Values"], "PartitionInput": partition}],
        )
        if errors := answer.get("Errors"):
            values = "/".join(partition["Values"])
            raise PartitionError(f"{use_case}/{table}/{values}: {errors[0].get('ErrorDetail')}")

    def _get(self, hour: Hour) -> Mapping[str, Any] | None:
        try:
            answer = self._client.get_partition(
                **self._table(hour.table.use_case, hour.table.parquet),
                PartitionValues=list(hour.values),
            )
        except self._client.exceptions.EntityNotFoundException:
            return None
        return answer["Partition"]

    def _placement(self, hour: Hour, partition: Mapping[str, Any]) -> Placement:
        text = f"{partition['StorageDescriptor']['Location'].rstrip('/')}/"
        location, parameters = text.removeprefix(self._root), partition.get("Parameters", {})
        if location == hour.delivered:
            return Placement(location)
        generation = parameters.get(GENERATION, "")
        if not generation or location != f"{hour.compacted}{generation}/":
            raise PlacementError(f"{hour}: points at {text}, which compaction did not write")
        return Placement(location, generation, instants.parse(parameters[COMPACTED_AT]))

    def _input(self, table: CatalogTable, partition: Partition) -> Any:
        location = self._root + partition.folder
        return {
            "Values": [partition.date, partition.hour],
            "StorageDescriptor": {**table.descriptor, "Location": location},
            "Parameters": _parameters(partition.generation, partition.compacted_at),
        }

    def _table(self, use_case: str, table: str) -> dict[str, Any]:
        return {"DatabaseName": self._databases[use_case], "TableName": table}


def _parameters(generation: str, at: datetime | None) -> dict[str, str]:
    """The parameters of a partition that points at a generation."""
    return {GENERATION: generation, COMPACTED_AT: instants.to_wire(at)} if at else {}
