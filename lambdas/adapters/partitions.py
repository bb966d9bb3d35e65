"""The partitions of the Glue catalog: where readers find the files of an hour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from glue import PlatformError, instants
from lambdas.compact.hours import Hour
from lambdas.compact.ports import Placement

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

GENERATION, COMPACTED_AT = "compaction.generation", "compaction.at"
# What Glue takes back of a partition that GetPartition gave.
_INPUT = ("Values", "StorageDescriptor", "Parameters", "LastAccessTime", "LastAnalyzedTime")


class PlacementError(PlatformError):
    """A partition points at somewhere that compaction knows nothing of."""


def client() -> GlueClient:
    """A client that tries again for a while when it is throttled."""
    config = Config(
        connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 8}
    )
    return boto3.client("glue", config=config)


class GluePartitions:
    """The `Partitions` of compaction. `databases` are the use cases' databases."""

    def __init__(self, client: GlueClient, databases: Mapping[str, str], bucket: str) -> None:
        self._client, self._databases = client, databases
        self._root = f"s3://{bucket}/"

    def find(self, hour: Hour) -> Placement | None:
        """Where the hour's partition is; None while it is not registered."""
        partition = self._get(hour)
        return None if partition is None else self._placement(hour, partition)

    def move(self, hour: Hour, placement: Placement) -> None:
        """Point the partition elsewhere in one step; everything else about it stays."""
        partition = self._get(hour)
        if partition is None or placement.compacted_at is None:
            raise PlacementError(f"{hour}: there is no such partition any more")
        found: Any = {name: partition[name] for name in _INPUT if name in partition}
        found["StorageDescriptor"] = {
            **found["StorageDescriptor"],
            "Location": self._root + placement.location,
        }
        found["Parameters"] = {
            **found.get("Parameters", {}),
            GENERATION: placement.generation,
            COMPACTED_AT: instants.to_wire(placement.compacted_at),
        }
        # Not UpdatePartition: this one the local emulator has as well.
        answer = self._client.batch_update_partition(
            **self._table(hour),
            Entries=[{"PartitionValueList": list(hour.values), "PartitionInput": found}],
        )
        if errors := answer.get("Errors"):
            raise PlacementError(f"{hour}: {errors[0].get('ErrorDetail')}")

    def _get(self, hour: Hour) -> Mapping[str, Any] | None:
        try:
            answer = self._client.get_partition(
                **self._table(hour), PartitionValues=list(hour.values)
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

    def _table(self, hour: Hour) -> dict[str, Any]:
        return {
            "DatabaseName": self._databases[hour.table.use_case],
            "TableName": hour.table.parquet,
        }
