"""Readers in a loop while an hour is compacted again and again, some of the runs killed by SIGKILL.

SDP_COMPACTIONS=50 is the long form.
"""

from __future__ import annotations

import io
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sdpctl.settings import Settings
from tests.emulator.compacting import LIMITS, run
from tests.unit.lambdas.compact.memory import HOUR, START, TABLE

BUCKET, DATABASE = "lake-of-compaction", "sdp_machines"
ROWS, NEW_ROWS = 2_000, 20
RUNS = int(os.environ.get("SDP_COMPACTIONS", "16"))
HIVE = "org.apache.hadoop.hive.ql.io.parquet"
STORAGE = {
    "InputFormat": f"{HIVE}.MapredParquetInputFormat",
    "SerdeInfo": {"SerializationLibrary": f"{HIVE}.serde.ParquetHiveSerDe"},
    "Columns": [
        {"Name": c.name, "Type": "bigint" if c.name == "value" else "string"} for c in TABLE.columns
    ],
}
_AT = {"DatabaseName": DATABASE, "TableName": TABLE.parquet}


class Lake:
    """The table with one hour; files arrive whose rows no other file has."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.client = client
        self.s3, self.glue = client("s3"), client("glue")
        self.rows, self.files = 0, 0
        self.s3.create_bucket(Bucket=BUCKET)
        self.glue.create_database(DatabaseInput={"Name": DATABASE})
        keys = [{"Name": n, "Type": "string"} for n in ("date", "hour")]
        made = {"Name": TABLE.parquet, "PartitionKeys": keys, "StorageDescriptor": self._storage()}
        self.glue.create_table(DatabaseName=DATABASE, TableInput=made)
        self.deliver(ROWS, files=20)
        made = {"Values": list(HOUR.values), "StorageDescriptor": self._storage(HOUR.delivered)}
        self.glue.create_partition(**_AT, PartitionInput=made)

    def _storage(self, folder: str = TABLE.parquet_folder) -> dict[str, Any]:
        return {**STORAGE, "Location": f"s3://{BUCKET}/{folder}"}

    def deliver(self, rows: int, files: int = 1) -> None:
        """Files with rows that no other file has."""
        for _ in range(files):
            numbers = list(range(self.rows, self.rows + rows // files))
            self.rows += len(numbers)
            self.put(numbers)

    def put(self, numbers: list[int]) -> None:
        """A file of these rows."""
        found = [
            {"machine": f"m-{n % 97}", "type": "one", "event_id": str(n), "value": n}
            for n in numbers
        ]
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(found), buffer)
        key = f"{HOUR.delivered}{self.files:05d}.parquet"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=buffer.getvalue())
        self.files += 1

    def count_through_athena(self) -> tuple[int, int, int]:
        """Rows, distinct rows and a sum, by SQL."""
        sql = f"SELECT count(*), count(DISTINCT event_id), sum(value) FROM {TABLE.parquet}"
        athena = self.client("athena")
        query = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": DATABASE},
            ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/athena/"},
        )["QueryExecutionId"]
        while True:
            status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                break
            assert status["State"] in ("QUEUED", "RUNNING"), status
            time.sleep(0.05)
        rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        first, second, third = (int(cell["VarCharValue"]) for cell in rows[1]["Data"])
        return first, second, third

    def count_through_partitions(self) -> tuple[int, int, int]:
        """The same by reading as Athena does: partitions, their files, their rows."""
        ids: list[str] = []
        values = 0
        for partition in self.glue.get_partitions(**_AT)["Partitions"]:
            prefix = partition["StorageDescriptor"]["Location"].removeprefix(f"s3://{BUCKET}/")
            found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
            for one in found:
                content = self.s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
                table = pq.read_table(io.BytesIO(content), columns=["event_id", "value"])
                ids += table["event_id"].to_pylist()
                values += sum(table["value"].to_pylist())
        return len(ids), len(set(ids)), values

    @property
    def expected(self) -> tuple[int, int, int]:
        return self.rows, self.rows, self.rows * (self.rows - 1) // 2


class Readers:
    """One thread per way of reading; each answer is kept."""

    def __init__(self, ways: list[Callable[[], tuple[int, int, int]]]) -> None:
        self.answers: list[tuple[int, int, int]] = []
        self.errors: list[BaseException] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(way,)) for way in ways]

    def _read(self, way: Callable[[], tuple[int, int, int]]) -> None:
        while not self._stop.is_set():
            try:
                self.answers.append(way())
                time.sleep(0.1)
            except BaseException as error:  # noqa: BLE001 the test fails with it
                self.errors.append(error)
                return

    @contextmanager
    def reading(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()


@pytest.fixture(scope="module")
def lake(client: Callable[[str], Any]) -> Lake:
    return Lake(client)


def test_a_reader_sees_the_exact_count_during_each_compaction(
    settings: Settings, lake: Lake
) -> None:
    """Between runs nothing is delivered that readers could see: every answer must be the same."""
    numbers, now, killed, compacted = random.Random(4), START + timedelta(hours=2), 0, 0
    started = time.monotonic()
    assert run(settings, BUCKET, DATABASE, now) == "compacted"
    whole = time.monotonic() - started
    answers = 0
    for _ in range(RUNS):
        # What is late is seen after the next run that ends, so it is delivered between two of them.
        lake.put(list(range(numbers.randrange(lake.rows))))  # repetitions only: the count stays
        readers = Readers([lake.count_through_athena, lake.count_through_partitions])
        with readers.reading():
            dies = numbers.uniform(0, whole) if numbers.random() < 0.5 else None
            done = run(settings, BUCKET, DATABASE, now, dies)
        killed, compacted = killed + (done is None), compacted + (done == "compacted")
        assert readers.errors == []
        assert set(readers.answers) == {lake.expected}
        answers += len(readers.answers)
        now += LIMITS.grace  # a killed run's lease is over, and what was replaced may go
    assert killed > RUNS / 10
    assert compacted > RUNS / 4
    print(f"{answers} answers, all exact; {compacted} runs compacted, {killed} were killed")


def test_late_rows_are_seen_after_the_next_run(settings: Settings, lake: Lake) -> None:
    now = START + timedelta(days=1)
    run(settings, BUCKET, DATABASE, now)
    before = lake.expected
    lake.deliver(NEW_ROWS)
    assert lake.count_through_athena() == before
    assert run(settings, BUCKET, DATABASE, now + LIMITS.grace) == "compacted"
    assert lake.count_through_athena() == lake.expected


def test_nothing_but_the_last_generation_is_left(settings: Settings, lake: Lake) -> None:
    now = START + timedelta(days=2)
    for _ in range(3):
        run(settings, BUCKET, DATABASE, now)
        now += LIMITS.grace
    listed = lake.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{TABLE.use_case}/")["Contents"]
    (partition,) = lake.glue.get_partitions(**_AT)["Partitions"]
    generation = partition["Parameters"]["compaction.generation"]
    own = (f"{HOUR.compacted}{generation}/", f"{HOUR.compacted}{generation}.json")
    keys = [one["Key"] for one in listed]
    assert [key for key in keys if not key.startswith(own) and "lease" not in key] == []
    assert lake.count_through_partitions() == lake.expected
