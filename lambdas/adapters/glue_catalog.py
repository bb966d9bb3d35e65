"""Glue: a database's tables and their partitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from glue import PlatformError
from lambdas.lake.ports import CatalogTable, Partition

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

# The most that BatchCreatePartition takes.
BATCH = 100


class CatalogError(PlatformError):
    """Glue refused partitions."""


def client() -> GlueClient:
    """A client that gives up soon enough for the next attempt to count."""
    config = Config(
        retries={"total_max_attempts": 4, "mode": "standard"}, connect_timeout=2, read_timeout=20
    )
    return boto3.client("glue", config=config)


class GlueTables:
    """The catalog port over Glue."""

    def __init__(self, glue: GlueClient | None = None) -> None:
        self._client = glue or client()

    def tables(self, database: str) -> Iterator[CatalogTable]:
        """Every table of the database."""
        for page in self._client.get_paginator("get_tables").paginate(DatabaseName=database):
            for found in page["TableList"]:
                made = found["CreateTime"].isoformat()
                yield CatalogTable(found["Name"], made, found["StorageDescriptor"])

    def add(self, database: str, table: CatalogTable, partitions: Sequence[Partition]) -> None:
        """Register partitions; one that exists is left as it is. CatalogError for all else."""
        inputs = [_input(table, partition) for partition in partitions]
        for start in range(0, len(inputs), BATCH):
            answer = self._client.batch_create_partition(
                DatabaseName=database,
                TableName=table.name,
                PartitionInputList=inputs[start : start + BATCH],
            )
            codes = {e["ErrorDetail"].get("ErrorCode", "") for e in answer.get("Errors", [])}
            if wrong := codes - {"AlreadyExistsException"}:
                raise CatalogError(f"{database}.{table.name}: {sorted(wrong)}")

    def widen(self, database: str, table: CatalogTable, partition: Partition) -> None:
        """Give a registered partition the table's columns; its location is replaced too."""
        # Not UpdatePartition: this one the local emulator has as well.
        entry: Any = {
            "PartitionValueList": [partition.date, partition.hour],
            "PartitionInput": _input(table, partition),
        }
        answer = self._client.batch_update_partition(
            DatabaseName=database, TableName=table.name, Entries=[entry]
        )
        if errors := answer.get("Errors"):
            raise CatalogError(f"{database}.{table.name}: {errors[0].get('ErrorDetail')}")


def _input(table: CatalogTable, partition: Partition) -> Any:
    descriptor = {**table.descriptor, "Location": partition.location}
    return {"Values": [partition.date, partition.hour], "StorageDescriptor": descriptor}
