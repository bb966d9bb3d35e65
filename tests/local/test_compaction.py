"""The deployed compaction function on the platform's lake: SQL says the same before and after."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sdpctl.clock import pause
from sdpctl.sql.athena import Athena
from tests.local.driver import Driver, wait_until

# An hour long closed, in which nobody else's records are.
DATE, HOUR = "2026-01-02", "03"
DATABASE, TABLE = "sdp_adtech", "parquet_bcns"
PREFIX = f"adtech/parquet/bcns/date={DATE}/hour={HOUR}/"
STATE = "adtech/state/lake.json"
AT = {"DatabaseName": DATABASE, "TableName": TABLE}
SQL = f"""
    SELECT count(*), count(DISTINCT event_id), sum(win_price) FROM {TABLE}
    WHERE "date" = '{DATE}' AND "hour" = '{HOUR}'"""


class Lake:
    """One hour of the event table on the running platform."""

    def __init__(self, driver: Driver, bucket: str) -> None:
        self.driver, self.bucket = driver, bucket
        self.s3, self.glue = driver.client("s3"), driver.client("glue")
        storage = self.glue.get_table(DatabaseName=DATABASE, Name=TABLE)["Table"]
        location = {"Location": f"s3://{bucket}/{PREFIX}"}
        made = {**storage["StorageDescriptor"], **location}
        entry = {"Values": [DATE, HOUR], "StorageDescriptor": made}
        self.glue.create_partition(**AT, PartitionInput=entry)

    def deliver(self, name: str, first: int, last: int) -> None:
        """A file of bids with these numbers."""
        rows = [
            {"type": "bid", "event_id": f"e-{n}", "tx_id": f"t-{n * 7919 % 1_000}", "win_price": n}
            for n in range(first, last)
        ]
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), buffer)
        self.s3.put_object(Bucket=self.bucket, Key=PREFIX + name, Body=buffer.getvalue())

    def compact(self) -> str:
        """Call the function until the hour has a new generation; its name.

        The schedule may have come first, or be at it.
        """
        function, before = str(_outputs(self.driver)["CompactionFunction"]), self.generation()
        requested = json.dumps({"table": TABLE, "date": DATE, "hour": HOUR}).encode()

        def done() -> bool:
            answer = self.driver.client("lambda").invoke(FunctionName=function, Payload=requested)
            assert "FunctionError" not in answer, answer["Payload"].read()
            return self.generation() != before

        wait_until(done, 240, lambda: f"still generation {before!r}")
        return self.generation()

    def generation(self) -> str:
        """Which generation readers see; empty while they see the files as delivered."""
        found = self.glue.get_partition(**AT, PartitionValues=[DATE, HOUR])["Partition"]
        return str(found.get("Parameters", {}).get("compaction.generation", ""))

    def count(self) -> list[Any]:
        """Rows, distinct events and a sum, by SQL."""
        athena = Athena(self.driver.client("athena"), "sdp-adtech", DATABASE, pause)
        ((_, (row,)),) = athena.pages(athena.run(SQL))
        return list(row)

    def clean(self) -> None:
        """Remove what was delivered, as compaction does when the grace time is over."""
        for one in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=PREFIX)["Contents"]:
            self.s3.delete_object(Bucket=self.bucket, Key=one["Key"])

    def lose_partition(self) -> None:
        """As when the table is re-created."""
        self.glue.delete_partition(**AT, PartitionValues=[DATE, HOUR])

    def registered_again(self) -> str:
        """The generation that readers see when the function that registers partitions has looked
        at a table of which it remembers that it was another one; empty while there is none.
        """
        known = json.loads(self.s3.get_object(Bucket=self.bucket, Key=STATE)["Body"].read())
        known["tables"][TABLE]["made"] = "before"
        self.s3.put_object(Bucket=self.bucket, Key=STATE, Body=json.dumps(known).encode())
        self.driver.invoke("LakeFunction")
        try:
            return self.generation()
        except self.glue.exceptions.EntityNotFoundException:
            return ""

    def remove(self) -> None:
        """Leave the table as it was."""
        self.glue.delete_partition(**AT, PartitionValues=[DATE, HOUR])
        for prefix in (PREFIX, PREFIX.replace("/parquet/", "/compacted/")):
            found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
            for one in found:
                self.s3.delete_object(Bucket=self.bucket, Key=one["Key"])


def _outputs(driver: Driver) -> dict[str, Any]:
    stacks = driver.client("cloudformation").describe_stacks()["Stacks"]
    return {o["OutputKey"]: o["OutputValue"] for s in stacks for o in s.get("Outputs", [])}


@pytest.fixture
def lake(driver: Driver) -> Iterator[Lake]:
    made = Lake(driver, str(_outputs(driver)["LakeBucket"]))
    try:
        yield made
    finally:
        made.remove()


def test_queries_say_the_same_before_and_after_with_a_late_file_and_a_table_made_anew(
    lake: Lake,
) -> None:
    for number in range(10):
        lake.deliver(f"{number}.parquet", 100 * number, 100 * number + 100)
    assert lake.count() == [1_000, 1_000, 499_500]
    first = lake.compact()
    assert lake.count() == [1_000, 1_000, 499_500]
    lake.deliver("late.parquet", 900, 1_100)  # half of it is there already
    second = lake.compact()
    assert (first[:6], second[:6]) == ("000001", "000002")
    assert lake.count() == [1_100, 1_100, 604_450]
    lake.clean()
    lake.lose_partition()
    assert lake.count() == [0, 0, None]
    wait_until(lambda: lake.registered_again() == second, 120, lambda: "not registered again")
    assert lake.count() == [1_100, 1_100, 604_450]
