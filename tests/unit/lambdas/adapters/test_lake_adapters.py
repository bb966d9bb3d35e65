"""S3 and Glue as the lake function uses them, on moto."""

import gzip
from typing import Any

import boto3
import pytest

from lambdas.adapters.glue_catalog import GlueTables
from lambdas.adapters.s3 import Bucket
from lambdas.lake.ports import Partition

COLUMNS: list[Any] = [{"Name": "id", "Type": "string"}]


@pytest.fixture
def bucket(aws: None) -> Bucket:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="lake")
    return Bucket("lake", s3)


@pytest.fixture
def glue(aws: None) -> Any:
    client = boto3.client("glue")
    client.create_database(DatabaseInput={"Name": "shop"})
    for name in ("one", "two"):
        client.create_table(
            DatabaseName="shop",
            TableInput={
                "Name": name,
                "PartitionKeys": [{"Name": n, "Type": "string"} for n in ("date", "hour")],
                "StorageDescriptor": {"Columns": COLUMNS, "Location": "s3://lake/one/"},
            },
        )
    return client


def test_folders_are_those_right_below_a_prefix(bucket: Bucket) -> None:
    for key in ("a/b/c/1", "a/b/2", "a/d/3", "a/4", "z/5"):
        bucket.write(key, b"")
    assert list(bucket.folders("a/")) == ["b/", "d/"]
    assert list(bucket.keys("a/b/")) == ["a/b/2", "a/b/c/1"]


def test_an_object_is_read_unpacked_and_none_where_there_is_none(bucket: Bucket) -> None:
    bucket.write("plain", b"1\n")
    bucket.write("packed", gzip.compress(b"2\n"))
    assert [bucket.read(k) for k in ("plain", "packed", "absent")] == [b"1\n", b"2\n", None]


def test_a_partition_has_the_tables_columns_and_its_own_location(glue: Any) -> None:
    tables = GlueTables(glue)
    one = next(t for t in tables.tables("shop") if t.name == "one")
    tables.add("shop", one, [Partition("2026-03-09", "10", "s3://lake/new/")])
    (found,) = glue.get_partitions(DatabaseName="shop", TableName="one")["Partitions"]
    assert found["Values"] == ["2026-03-09", "10"]
    assert found["StorageDescriptor"]["Columns"] == COLUMNS
    assert found["StorageDescriptor"]["Location"] == "s3://lake/new/"


def test_a_partition_that_exists_keeps_its_location(glue: Any) -> None:
    tables = GlueTables(glue)
    one = next(iter(tables.tables("shop")))
    tables.add("shop", one, [Partition("2026-03-09", "10", "s3://lake/old/")])
    more = [Partition("2026-03-09", f"{n:02}", f"s3://lake/{n}/") for n in range(24)]
    tables.add("shop", one, [Partition("2026-03-10", p.hour, p.location) for p in more] + more)
    found = glue.get_partition(
        DatabaseName="shop", TableName=one.name, PartitionValues=["2026-03-09", "10"]
    )
    assert found["Partition"]["StorageDescriptor"]["Location"] == "s3://lake/old/"
    assert len(glue.get_partitions(DatabaseName="shop", TableName=one.name)["Partitions"]) == 48


def test_a_registered_partition_can_be_given_new_columns(glue: Any) -> None:
    tables = GlueTables(glue)
    one = next(iter(tables.tables("shop")))
    partition = Partition("2026-03-09", "10", "s3://lake/here/")
    tables.add("shop", one, [partition])
    wider = {**one.descriptor, "Columns": [*COLUMNS, {"Name": "colour", "Type": "string"}]}
    tables.widen("shop", type(one)(one.name, one.made, wider), partition)
    (found,) = glue.get_partitions(DatabaseName="shop", TableName=one.name)["Partitions"]
    assert [c["Name"] for c in found["StorageDescriptor"]["Columns"]] == ["id", "colour"]
    assert found["StorageDescriptor"]["Location"] == "s3://lake/here/"
