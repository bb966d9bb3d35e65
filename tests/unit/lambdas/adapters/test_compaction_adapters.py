"""The lake's bucket and partitions, as moto plays S3 and Glue."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from lambdas.adapters import objects, partitions
from lambdas.adapters.objects import BucketObjects, ObjectsError
from lambdas.adapters.partitions import GluePartitions, PlacementError
from lambdas.compact.ports import Placement
from tests.unit.lambdas.compact.memory import HOUR, START, TABLE

BUCKET, DATABASE = "lake", "sdp_machines"


@pytest.fixture
def bucket(aws: None) -> BucketObjects:
    client = objects.client()
    client.create_bucket(Bucket=BUCKET)
    return BucketObjects(client, BUCKET)


@pytest.fixture
def glue(aws: None) -> Any:
    """The table, with the partition that deliveries go to."""
    client = boto3.client("glue")
    client.create_database(DatabaseInput={"Name": DATABASE})
    client.create_table(DatabaseName=DATABASE, TableInput={"Name": TABLE.parquet})
    client.create_partition(
        DatabaseName=DATABASE,
        TableName=TABLE.parquet,
        PartitionInput={
            "Values": list(HOUR.values),
            "StorageDescriptor": {
                "Columns": [{"Name": "machine", "Type": "string"}],
                "Location": f"s3://{BUCKET}/{HOUR.delivered}",
                "SerdeInfo": {"SerializationLibrary": "parquet"},
            },
            "Parameters": {"somebody": "else's"},
        },
    )
    return client


def test_listings_have_all_pages(bucket: BucketObjects) -> None:
    names = [f"a/{n:04d}/x" for n in range(1_100)]
    for name in names:
        bucket.write(name, b"12")
    assert [(o.key, o.size) for o in bucket.objects("a/")] == [(name, 2) for name in names]
    assert list(bucket.folders("a/")) == [name.removesuffix("x") for name in names]
    bucket.delete(names)
    assert list(bucket.objects("a/")) == []


def test_what_is_not_there_is_none(bucket: BucketObjects, tmp_path: Path) -> None:
    assert bucket.read("nothing") is None
    bucket.delete(["nothing"])
    with pytest.raises(ObjectsError, match="nothing is gone"):
        bucket.download("nothing", tmp_path / "file")


def test_files_come_and_go_whole(bucket: BucketObjects, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(bytes(range(256)) * 10_000)
    bucket.upload(tmp_path / "up", "key")
    bucket.download("key", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == (tmp_path / "up").read_bytes()


def test_only_one_creates_an_object_and_only_one_replaces_it(bucket: BucketObjects) -> None:
    first = bucket.create("lease", b"one")
    assert first is not None
    assert bucket.create("lease", b"two") is None
    second = bucket.create("lease", b"two", replacing=first)
    assert second is not None
    assert bucket.create("lease", b"three", replacing=first) is None
    assert bucket.read("lease") == (b"two", second)
    bucket.delete(["lease"])
    assert bucket.create("lease", b"four", replacing=second) is None


def test_a_partition_is_moved_and_keeps_everything_else(glue: Any) -> None:
    found = GluePartitions(partitions.client(), {TABLE.use_case: DATABASE}, BUCKET)
    assert found.find(HOUR) == Placement(HOUR.delivered)
    at = START + timedelta(hours=2)
    moved = Placement(f"{HOUR.compacted}000001-abc/", "000001-abc", at)
    found.move(HOUR, moved)
    assert found.find(HOUR) == moved
    partition = glue.get_partition(
        DatabaseName=DATABASE, TableName=TABLE.parquet, PartitionValues=list(HOUR.values)
    )["Partition"]
    assert partition["StorageDescriptor"]["Columns"] == [{"Name": "machine", "Type": "string"}]
    assert partition["StorageDescriptor"]["SerdeInfo"] == {"SerializationLibrary": "parquet"}
    assert partition["Parameters"]["somebody"] == "else's"


def test_an_hour_without_a_partition_is_none(glue: Any) -> None:
    later = type(HOUR)(TABLE, START + timedelta(hours=1))
    found = GluePartitions(partitions.client(), {TABLE.use_case: DATABASE}, BUCKET)
    assert found.find(later) is None


def test_a_partition_that_somebody_else_moved_is_left_alone(glue: Any) -> None:
    found = GluePartitions(partitions.client(), {TABLE.use_case: DATABASE}, BUCKET)
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
        found.find(HOUR)
