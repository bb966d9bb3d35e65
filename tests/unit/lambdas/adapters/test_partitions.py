"""Tables and partitions as upkeep and compaction use them, as moto plays Glue."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from lambdas.adapters import partitions
from lambdas.adapters.partitions import GluePartitions, PlacementError
from lambdas.lakestore.partitions import CatalogTable, Partition, Placement
from tests.unit.lambdas.compact.memory import HOUR, START, TABLE

BUCKET, DATABASE = "lake", "sdp_machines"
COLUMNS: list[Any] = [{"Name": "machine", "Type": "string"}]


@pytest.fixture
def glue(aws: None) -> Any:
    """The table, with the partition that deliveries go to."""
    client = boto3.client("glue")
    client.create_database(DatabaseInput={"Name": DATABASE})
    descriptor: Any = {"Columns": COLUMNS, "Location": f"s3://{BUCKET}/table/"}
    for name in (TABLE.parquet, TABLE.raw):
        client.create_table(
            DatabaseName=DATABASE,
            TableInput={
                "Name": name,
                "PartitionKeys": [{"Name": n, "Type": "string"} for n in ("date", "hour")],
                "StorageDescriptor": descriptor,
            },
        )
    client.create_partition(
        DatabaseName=DATABASE,
        TableName=TABLE.parquet,
        PartitionInput={
            "Values": list(HOUR.values),
            "StorageDescriptor": {
                "Columns": COLUMNS,
                "Location": f"s3://{BUCKET}/{HOUR.delivered}",
                "SerdeInfo": {"SerializationLibrary": "parquet"},
            },
            "Parameters": {"somebody": "else's"},
        },
    )
    return client


@pytest.fixture
def catalog(glue: Any) -> GluePartitions:
    return GluePartitions(partitions.client(), {TABLE.use_case: DATABASE}, BUCKET)


def _raw(catalog: GluePartitions) -> CatalogTable:
    return next(t for t in catalog.tables(TABLE.use_case) if t.name == TABLE.raw)


def _registered(glue: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    found = glue.get_partitions(DatabaseName=DATABASE, TableName=TABLE.raw)["Partitions"]
    return {tuple(p["Values"]): p["StorageDescriptor"] for p in found}


def test_a_partition_has_the_tables_columns_and_its_own_location(
    glue: Any, catalog: GluePartitions
) -> None:
    catalog.add(_raw(catalog), [Partition("2026-03-09", "10", "new/")])
    stored = {"Columns": COLUMNS, "Location": f"s3://{BUCKET}/new/"}
    assert _registered(glue)["2026-03-09", "10"].items() >= stored.items()


def test_a_partition_that_exists_keeps_its_location(glue: Any, catalog: GluePartitions) -> None:
    catalog.add(_raw(catalog), [Partition("2026-03-09", "10", "old/")])
    hours = [f"{n:02}" for n in range(24)]
    more = [Partition(f"2026-03-{day:02}", n, f"{n}/") for day in range(9, 15) for n in hours]
    catalog.add(_raw(catalog), more)
    assert _registered(glue)["2026-03-09", "10"]["Location"] == f"s3://{BUCKET}/old/"
    assert len(_registered(glue)) == len(more)


def test_a_registered_partition_can_be_given_new_columns(
    glue: Any, catalog: GluePartitions
) -> None:
    table, partition = _raw(catalog), Partition("2026-03-09", "10", "here/")
    catalog.add(table, [partition])
    columns = [*COLUMNS, {"Name": "colour", "Type": "string"}]
    catalog.widen(replace(table, descriptor={**table.descriptor, "Columns": columns}), partition)
    stored = {"Columns": columns, "Location": f"s3://{BUCKET}/here/"}
    assert _registered(glue)["2026-03-09", "10"].items() >= stored.items()


def test_a_partition_is_moved_and_keeps_everything_else(glue: Any, catalog: GluePartitions) -> None:
    assert catalog.find(HOUR) == Placement(HOUR.delivered)
    at = START + timedelta(hours=2)
    moved = Placement(f"{HOUR.compacted}000001-abc/", "000001-abc", at)
    catalog.move(HOUR, moved)
    assert catalog.find(HOUR) == moved
    partition = glue.get_partition(
        DatabaseName=DATABASE, TableName=TABLE.parquet, PartitionValues=list(HOUR.values)
    )["Partition"]
    assert partition["StorageDescriptor"]["Columns"] == COLUMNS
    assert partition["StorageDescriptor"]["SerdeInfo"] == {"SerializationLibrary": "parquet"}
    assert partition["Parameters"]["somebody"] == "else's"


def test_an_hour_without_a_partition_is_none(glue: Any, catalog: GluePartitions) -> None:
    later = type(HOUR)(TABLE, START + timedelta(hours=1))
    assert catalog.find(later) is None


def test_a_partition_that_somebody_else_moved_is_left_alone(
    glue: Any, catalog: GluePartitions
) -> None:
    partition = glue.get_partition(
        DatabaseName=DATABASE, TableName=TABLE.parquet, PartitionValues=list(HOUR.values)
    )["Partition"]
    partition["StorageDescriptor"]["Location"] = f"s3://{BUCKET}/elsewhere/"
    glue.update_partition(
        DatabaseName=DATABASE,
        TableName=TABLE.parquet,
        PartitionValueList=list(HOUR.values),
        PartitionInput={k: partition[k] for k in ("Values", "StorageDescriptor")},
    )
    with pytest.raises(PlacementError, match="elsewhere"):
        catalog.find(HOUR)


def test_a_generation_that_is_registered_again_is_one_that_compaction_knows(
    glue: Any, catalog: GluePartitions
) -> None:
    table = next(t for t in catalog.tables(TABLE.use_case) if t.name == TABLE.parquet)
    (date, _), name = HOUR.values, "000002-0123456789ab"
    hour = replace(HOUR, start=START - timedelta(hours=1))
    folder = f"{hour.compacted}{name}/"
    catalog.add(table, [Partition(date, hour.values[1], folder, name, START)])
    assert catalog.find(hour) == Placement(folder, name, START)
