"""The deployed compaction function on the platform's lake: SQL says the same before and after."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sdpctl.clock import pause
from sdpctl.sql.athena import Athena
from tests.local.driver import Driver, wait_until

# An hour long closed, in which nobody else's records are.
DATE, HOUR = "2026-01-02", "03"
FOLDER = f"date={DATE}/hour={HOUR}/"
DATABASE, RECORD = "sdp_adtech", "bcns"
TABLE = f"parquet_{RECORD}"
STATE = "adtech/state/lake.json"
SQL = f"""
    SELECT count(*), count(DISTINCT event_id), sum(win_price) FROM {TABLE}
    WHERE "date" = '{DATE}' AND "hour" = '{HOUR}'"""


class Lake:
    """One hour of a table of events on the running platform."""

    def __init__(self, driver: Driver, record: str = RECORD) -> None:
        self.driver, self.bucket = driver, str(_outputs(driver)["LakeBucket"])
        self.s3, self.glue = driver.client("s3"), driver.client("glue")
        self.table, self.prefix = f"parquet_{record}", f"adtech/parquet/{record}/{FOLDER}"
        self.at = {"DatabaseName": DATABASE, "TableName": self.table}
        storage = self.glue.get_table(DatabaseName=DATABASE, Name=self.table)["Table"]
        location = {"Location": f"s3://{self.bucket}/{self.prefix}"}
        made = {**storage["StorageDescriptor"], **location}
        entry = {"Values": [DATE, HOUR], "StorageDescriptor": made}
        self.glue.create_partition(**self.at, PartitionInput=entry)

    def deliver_bids(self, name: str, first: int, last: int) -> None:
        """A file of bids with these numbers."""
        rows = [
            {"type": "bid", "event_id": f"e-{n}", "tx_id": f"t-{n * 7919 % 1_000}", "win_price": n}
            for n in range(first, last)
        ]
        self.deliver(name, rows)

    def deliver(self, name: str, rows: Iterable[dict[str, Any]]) -> None:
        """A file of rows, its times in the form that Firehose writes."""
        buffer, table = io.BytesIO(), pa.Table.from_pylist(list(rows))
        pq.write_table(table, buffer, use_deprecated_int96_timestamps=True)
        self.s3.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=buffer.getvalue())

    def compact(self) -> str:
        """Call the function until the hour has a new generation; its name.

        The schedule may have come first, or be at it.
        """
        function, before = str(_outputs(self.driver)["CompactionFunction"]), self.generation()
        requested = json.dumps({"table": self.table, "date": DATE, "hour": HOUR}).encode()

        def done() -> bool:
            answer = self.driver.client("lambda").invoke(FunctionName=function, Payload=requested)
            assert "FunctionError" not in answer, answer["Payload"].read()
            return self.generation() != before

        wait_until(done, 240, lambda: f"still generation {before!r}")
        return self.generation()

    def generation(self) -> str:
        """Which generation readers see; empty while they see the files as delivered."""
        found = self.glue.get_partition(**self.at, PartitionValues=[DATE, HOUR])["Partition"]
        return str(found.get("Parameters", {}).get("compaction.generation", ""))

    def hours(self) -> int:
        """How many hours of the table readers see."""
        return len(self.glue.get_partitions(**self.at)["Partitions"])

    def count(self) -> list[Any]:
        """Rows, distinct events and a sum, by SQL."""
        athena = Athena(self.driver.client("athena"), "sdp-adtech", DATABASE, pause)
        ((_, (row,)),) = athena.pages(athena.run(SQL))
        return list(row)

    def clean(self) -> None:
        """Remove what was delivered, as compaction does when the grace time is over."""
        for one in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix)["Contents"]:
            self.s3.delete_object(Bucket=self.bucket, Key=one["Key"])

    def lose_partition(self) -> None:
        """As when the table is re-created."""
        self.glue.delete_partition(**self.at, PartitionValues=[DATE, HOUR])

    def registered_again(self) -> str:
        """The generation that readers see when the function that registers partitions has looked
        at a table of which it remembers that it was another one; empty while there is none.

        It is called first: on a new platform its schedule may not have come, and nothing is
        remembered.
        """
        self.driver.invoke("LakeFunction")
        known = json.loads(self.s3.get_object(Bucket=self.bucket, Key=STATE)["Body"].read())
        known["tables"][self.table]["made"] = "before"
        self.s3.put_object(Bucket=self.bucket, Key=STATE, Body=json.dumps(known).encode())
        self.driver.invoke("LakeFunction")
        try:
            return self.generation()
        except self.glue.exceptions.EntityNotFoundException:
            return ""

    def remove(self) -> None:
        """Leave the table as it was."""
        self.glue.delete_partition(**self.at, PartitionValues=[DATE, HOUR])
        for prefix in (self.prefix, self.prefix.replace("/parquet/", "/compacted/")):
            found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
            for one in found:
                self.s3.delete_object(Bucket=self.bucket, Key=one["Key"])


def _outputs(driver: Driver) -> dict[str, Any]:
    stacks = driver.client("cloudformation").describe_stacks()["Stacks"]
    return {o["OutputKey"]: o["OutputValue"] for s in stacks for o in s.get("Outputs", [])}


@pytest.fixture
def lake(driver: Driver) -> Iterator[Lake]:
    made = Lake(driver)
    try:
        yield made
    finally:
        made.remove()


def test_queries_say_the_same_before_and_after_with_a_late_file_and_a_table_made_anew(
    lake: Lake,
) -> None:
    for number in range(10):
        lake.deliver_bids(f"{number}.parquet", 100 * number, 100 * number + 100)
    assert lake.count() == [1_000, 1_000, 499_500]
    first = lake.compact()
    assert lake.count() == [1_000, 1_000, 499_500]
    lake.deliver_bids("late.parquet", 900, 1_100)  # half of it is there already
    second = lake.compact()
    assert (first[:6], second[:6]) == ("000001", "000002")
    assert lake.count() == [1_100, 1_100, 604_450]
    lake.clean()
    lake.lose_partition()
    assert lake.count() == [0, 0, None]
    wait_until(lambda: lake.registered_again() == second, 120, lambda: "not registered again")
    assert lake.count() == [1_100, 1_100, 604_450]
