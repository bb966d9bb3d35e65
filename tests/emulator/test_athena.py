"""Athena in the emulator reads what Glue registers, and Firehose's own delivery is off."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.adapters.athena import AthenaLake, QueryTimeout

BUCKET = "lake-of-tests"
ENDLESS = (
    "SELECT count(*) AS n FROM range(100000000) a(x), range(100000000) b(y) WHERE x * y % 7 = 1"
)
RESULTS = {"OutputLocation": f"s3://{BUCKET}/athena/"}
STORAGE = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    },
}


class Lake:
    """A database with one table of partitions by hour."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.s3, self.glue, self.athena = client("s3"), client("glue"), client("athena")
        self.s3.create_bucket(Bucket=BUCKET)
        self.glue.create_database(DatabaseInput={"Name": "shop"})
        columns = [{"Name": "id", "Type": "string"}]
        self.glue.create_table(
            DatabaseName="shop",
            TableInput={
                "Name": "things",
                "PartitionKeys": [{"Name": "hour", "Type": "string"}],
                "StorageDescriptor": {**STORAGE, "Columns": columns, **self._at("things")},
            },
        )

    def put(self, key: str, *ids: str) -> None:
        """A Parquet object of rows with these ids."""
        buffer = io.BytesIO()
        pq.write_table(pa.table({"id": list(ids)}), buffer)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=buffer.getvalue())

    def partition(self, hour: str, folder: str, *, move: bool = False) -> None:
        """Register a partition, or move it."""
        made = {"Values": [hour], "StorageDescriptor": {**STORAGE, **self._at(folder)}}
        of = {"DatabaseName": "shop", "TableName": "things"}
        if move:
            entry = {"PartitionValueList": [hour], "PartitionInput": made}
            self.glue.batch_update_partition(**of, Entries=[entry])
        else:
            self.glue.create_partition(**of, PartitionInput=made)

    def query(self, sql: str) -> dict[str, Any]:
        """The execution of a query when it has ended."""
        started = self.athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": "shop"},
            ResultConfiguration=RESULTS,
        )
        return self.await_end(started["QueryExecutionId"])

    def await_end(self, query_id: str) -> dict[str, Any]:
        """Wait until the query has ended."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if found["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return dict(found)
            time.sleep(0.02)
        raise AssertionError("the query does not end")

    def ids(self, sql: str = "SELECT id FROM things ORDER BY id") -> list[str]:
        """The first column of a query's rows."""
        done = self.query(sql)
        assert done["Status"]["State"] == "SUCCEEDED", done["Status"]
        found = self.athena.get_query_results(QueryExecutionId=done["QueryExecutionId"])
        return [row["Data"][0]["VarCharValue"] for row in found["ResultSet"]["Rows"][1:]]

    @staticmethod
    def _at(folder: str) -> dict[str, str]:
        return {"Location": f"s3://{BUCKET}/{folder}/"}


@pytest.fixture(scope="module")
def lake(client: Callable[[str], Any]) -> Lake:
    """One lake; each test has an hour of its own."""
    return Lake(client)


def test_only_registered_partitions_are_read_and_no_hidden_file(lake: Lake) -> None:
    lake.put("things/hour=1/a.parquet", "a")
    lake.put("things/hour=1/_temporary/b.parquet", "hidden")
    lake.put("things/hour=1/.c.parquet", "hidden")
    lake.put("things/hour=1b/d.parquet", "a neighbour")
    assert lake.ids() == []
    lake.partition("1", "things/hour=1")
    assert lake.ids() == ["a"]
    assert lake.ids("SELECT hour FROM shop.things") == ["1"]


def test_a_partition_that_moves_is_read_where_it_went_and_nowhere_else(lake: Lake) -> None:
    lake.put("things/hour=2/a.parquet", "b")
    lake.put("things/hour=2/b.parquet", "b", "c")
    lake.put("compacted/hour=2/1/a.parquet", "b", "c")
    lake.partition("2", "things/hour=2")
    assert lake.ids("SELECT id FROM things WHERE hour = '2' ORDER BY id") == ["b", "b", "c"]
    lake.partition("2", "compacted/hour=2/1", move=True)
    assert lake.ids("SELECT id FROM things WHERE hour = '2' ORDER BY id") == ["b", "c"]


def test_an_object_that_is_replaced_is_read_anew(lake: Lake) -> None:
    lake.partition("3", "things/hour=3")
    for wanted in ("d", "e"):
        lake.put("things/hour=3/a.parquet", wanted)
        assert lake.ids("SELECT id FROM things WHERE hour = '3'") == [wanted]


def test_the_bytes_scanned_are_those_that_were_read(lake: Lake) -> None:
    lake.put("things/hour=4/a.parquet", *(f"{i:040}" for i in range(50_000)))
    lake.partition("4", "things/hour=4")
    statistics = lake.query("SELECT max(id) FROM things WHERE hour = '4'")["Statistics"]
    assert statistics["DataScannedInBytes"] > 10_000


def test_the_reason_of_a_failure_is_given(lake: Lake) -> None:
    status = lake.query("SELECT nothing FROM things")["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"] == (
        "COLUMN_NOT_FOUND: line 1:8: Column 'nothing' cannot be resolved or requester is not "
        "authorized to access requested resources"
    )
    error = status["AthenaError"]
    assert (error["ErrorCategory"], error["Retryable"]) == (2, False)
    assert error["ErrorMessage"] == status["StateChangeReason"]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE things",
        "DROP TABLE IF EXISTS shop.things;",
        f"CREATE EXTERNAL TABLE more (id string) LOCATION 's3://{BUCKET}/more/'",
    ],
)
def test_the_catalog_is_not_changed_by_sql(lake: Lake, statement: str) -> None:
    before = lake.glue.get_tables(DatabaseName="shop")["TableList"]
    assert lake.query(statement)["Status"]["State"] == "FAILED"
    assert lake.glue.get_tables(DatabaseName="shop")["TableList"] == before


def test_a_stopped_query_ends_cancelled(lake: Lake) -> None:
    """It would take hours."""
    started = lake.athena.start_query_execution(
        QueryString=ENDLESS,
        QueryExecutionContext={"Database": "shop"},
        ResultConfiguration=RESULTS,
    )
    lake.athena.stop_query_execution(QueryExecutionId=started["QueryExecutionId"])
    time.sleep(0.5)
    assert lake.await_end(started["QueryExecutionId"])["Status"]["State"] == "CANCELLED"
    assert lake.ids("SELECT 'still here'") == ["still here"]


def test_a_function_stops_a_query_for_which_it_waits_no_longer(lake: Lake) -> None:
    configuration = {"ResultConfiguration": RESULTS}
    lake.athena.create_work_group(Name="impatient", Configuration=configuration)
    ours = AthenaLake("shop", "impatient", athena=lake.athena, glue=lake.glue, timeout=0.2)
    with pytest.raises(QueryTimeout, match="took more than 0 s") as caught:
        ours.query(ENDLESS)
    execution = str(caught.value).split()[1]
    assert lake.await_end(execution)["Status"]["State"] == "CANCELLED"


def test_the_emulators_own_delivery_from_kinesis_is_off(client: Callable[[str], Any]) -> None:
    """A record put into a stream that Firehose reads leaves no object: our worker delivers it."""
    kinesis, firehose, s3 = client("kinesis"), client("firehose"), client("s3")
    s3.create_bucket(Bucket="delivered")
    kinesis.create_stream(StreamName="source", ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName="source")["StreamDescriptionSummary"][
        "StreamARN"
    ]
    role = "arn:aws:iam::000000000000:role/firehose"
    firehose.create_delivery_stream(
        DeliveryStreamName="lake",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": role},
        ExtendedS3DestinationConfiguration={
            "BucketARN": "arn:aws:s3:::delivered",
            "RoleARN": role,
        },
    )
    kinesis.put_records(StreamName="source", Records=[{"Data": b"{}", "PartitionKey": "1"}])
    kinesis.put_record(StreamName="source", Data=b"{}", PartitionKey="1")
    assert s3.list_objects_v2(Bucket="delivered")["KeyCount"] == 0
