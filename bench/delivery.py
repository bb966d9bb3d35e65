"""How fast is the delivery into the lake, and what does the emulator feel of it?

    .venv/dev/bin/python -m bench.delivery --records 200000

Prints the records a second of the worker on its own (records in memory, objects thrown away) and
from an emulator of its own to its S3, with the peak memory; then PutRecords latencies with the
worker stopped and running, by turns in one run. Exits 1 below 20,000 records/s on its own.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psutil
import pyarrow as pa

import usecases
from datagen import Generation
from datagen import Settings as Shape
from glue.targets.gluetable import glue_columns
from glue.targets.lake import PARTITIONS, lake_tables
from sdpctl.clock import now
from sdpctl.commands.generate import generator_of
from sdpctl.local import aws, emulator
from sdpctl.local.delivery import streams, worker
from sdpctl.local.delivery.batches import Record, S3Object
from sdpctl.local.delivery.columns import arrow_type, timestamp_pattern
from sdpctl.local.delivery.conversion import Layout
from sdpctl.local.delivery.delivery import Delivery
from sdpctl.local.delivery.journal import Journal
from sdpctl.local.delivery.kinesis import Page
from sdpctl.settings import Settings

MIN_RATE = 20_000
NAME, BUCKET = "bench", "bench-lake"
INTERVAL = 10  # seconds, as the local platform has it
FORMATS = ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "yyyy-MM-dd'T'HH:mm:ss'Z'"]
FOLDERS = "date=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/"
PHASES, BATCH = 3, 100


def events(count: int) -> list[bytes]:
    """Events as ingestion puts them on the stream."""
    use_case = usecases.load().use_cases[0]
    start = datetime(2026, 11, 21, tzinfo=UTC)
    made = Generation(use_case, generator_of(use_case.name), Shape(events=count, start=start))
    return [orjson.dumps({**event, "received_at": event["occurred_at"]}) for event in made]


def columns() -> list[dict[str, str]]:
    """The Glue columns of the events' table."""
    use_case = usecases.load().use_cases[0]
    table = next(t for t in lake_tables(use_case) if t.stream == use_case.event_streams[0])
    return [{"Name": c.name, "Type": c.type} for c in glue_columns(table.columns)]


class Memory:
    """A stream of two shards in memory, and S3 that keeps nothing."""

    def __init__(self, data: list[bytes]) -> None:
        at, half = now().timestamp(), len(data) // 2
        records = [Record(str(n), at, one) for n, one in enumerate(data)]
        self._shards = {"a": records[:half], "b": records[half:]}
        self.bytes = 0

    def shards(self, stream: str) -> list[str]:
        """Both."""
        return list(self._shards)

    def at_time(self, stream: str, shard: str, since: datetime) -> str:
        """The beginning."""
        return f"{shard} 0"

    def at(self, stream: str, shard: str, number: str) -> str:
        """A record's place, which is its number."""
        return f"{shard} {number}"

    def after(self, stream: str, shard: str, number: str) -> str:
        """The place behind a record."""
        return f"{shard} {int(number) + 1}"

    def page(self, iterator: str, limit: int) -> Page:
        """The next records."""
        shard, start = iterator.split()
        records = self._shards[shard][int(start) : int(start) + limit]
        end = int(start) + len(records)
        return Page(records, f"{shard} {end}", float(len(self._shards[shard]) - end))

    def put(self, made: S3Object) -> None:
        """Count the bytes."""
        self.bytes += len(made.body)


def alone(data: list[bytes], home: Path) -> float:
    """Wall clock records/s of reading, converting and packing, without any input or output."""
    memory = Memory(data)
    described = streams.parse(_description())
    layout = Layout(
        pa.schema([(c["Name"], arrow_type(c["Type"])) for c in columns()]),
        timestamp_pattern(FORMATS),
    )
    journal = Journal.open(home / "alone.json")
    delivery = Delivery(memory, memory, journal, now, pause=lambda seconds: None)
    wall, cpu = time.perf_counter(), time.process_time()
    while not delivery.run(described, layout):
        pass
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rate = len(data) / wall
    _say(f"on its own       {rate:>10,.0f} records/s  {cpu / len(data) * 1e6:.1f} µs CPU a record")
    return rate


def end_to_end(settings: Settings, data: list[bytes]) -> None:
    """A backlog from the emulator's stream to its S3, by the process that the platform runs."""
    kinesis = aws.client(settings, "kinesis")
    for start in range(0, len(data), 500):
        put(kinesis, data[start : start + 500])
    began = time.perf_counter()
    worker.start(settings)
    while _delivered(settings) < len(data):
        time.sleep(0.2)
    took = time.perf_counter() - began
    process = worker.service(settings).process()
    assert process is not None
    peak = _peak(process.pid)
    _say(
        f"from the emulator{len(data) / took:>10,.0f} records/s, its start included; "
        f"peak memory {peak:,.0f} MiB"
    )


def beside(settings: Settings, data: list[bytes], rate: float, seconds: float) -> None:
    """PutRecords latencies with the worker stopped and running, by turns."""
    process = worker.service(settings).process()
    assert process is not None
    kinesis = aws.client(settings, "kinesis")
    found: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(PHASES):
        process.suspend()
        found["without"] += _load(kinesis, data, rate, seconds)
        process.resume()
        found["with"] += _load(kinesis, data, rate, seconds)
    _say(f"PutRecords of {BATCH} records, {rate:,.0f} records/s, {PHASES} x {seconds:.0f} s each:")
    cuts = {name: statistics.quantiles(values, n=100) for name, values in found.items()}
    for name, values in found.items():
        p50, p95 = cuts[name][49] * 1000, cuts[name][94] * 1000
        _say(f"  {name:<8} p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  ({len(values)} calls)")
    ratios = [cuts["with"][n] / cuts["without"][n] for n in (49, 94)]
    _say(f"  ratio    p50 {ratios[0]:6.2f}     p95 {ratios[1]:6.2f}")


def _load(kinesis: Any, data: list[bytes], rate: float, seconds: float) -> list[float]:
    """Latencies of calls that are due at fixed times, however long the ones before took."""
    took, began = [], time.perf_counter()
    for number in range(int(seconds * rate / BATCH)):
        time.sleep(max(0.0, began + number * BATCH / rate - time.perf_counter()))
        at = number * BATCH % (len(data) - BATCH)
        called = time.perf_counter()
        put(kinesis, data[at : at + BATCH])
        took.append(time.perf_counter() - called)
    return took


def put(kinesis: Any, data: list[bytes]) -> None:
    records = [{"Data": one, "PartitionKey": str(n)} for n, one in enumerate(data)]
    kinesis.put_records(StreamName=NAME, Records=records)


def _delivered(settings: Settings) -> int:
    state = worker.states(settings).get(NAME, {})
    if state.get("error"):
        raise SystemExit(state["error"])
    return int(state.get("records", 0))


def _peak(pid: int) -> float:
    """MiB of memory that the process has had at most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _destination(interval: int = INTERVAL) -> dict[str, Any]:
    backup = {"BucketARN": f"arn:aws:s3:::{BUCKET}", "RoleARN": _role(), "Prefix": f"raw/{FOLDERS}"}
    return {
        "BucketARN": f"arn:aws:s3:::{BUCKET}",
        "RoleARN": _role(),
        "Prefix": f"parquet/{FOLDERS}",
        "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/" + FOLDERS,
        "BufferingHints": {"IntervalInSeconds": interval, "SizeInMBs": 64},
        "S3BackupMode": "Enabled",
        "DataFormatConversionConfiguration": {
            "InputFormatConfiguration": {
                "Deserializer": {"HiveJsonSerDe": {"TimestampFormats": FORMATS}}
            },
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            "SchemaConfiguration": {"DatabaseName": NAME, "TableName": NAME, "RoleARN": _role()},
        },
        "S3BackupConfiguration": {**backup, "CompressionFormat": "GZIP"},
    }


def _description() -> dict[str, Any]:
    s3 = _destination()
    s3["S3BackupDescription"] = s3.pop("S3BackupConfiguration")
    stream = f"arn:aws:kinesis:us-east-1:000000000000:stream/{NAME}"
    source = {"KinesisStreamARN": stream, "DeliveryStartTimestamp": now()}
    return {
        "DeliveryStreamName": NAME,
        "VersionId": "1",
        "Source": {"KinesisStreamSourceDescription": source},
        "Destinations": [{"ExtendedS3DestinationDescription": s3}],
    }


def _role() -> str:
    return "arn:aws:iam::000000000000:role/bench"


def create(settings: Settings, interval: int = INTERVAL) -> None:
    """A stream, a bucket, a table and the delivery stream between them."""
    kinesis, glue = aws.client(settings, "kinesis"), aws.client(settings, "glue")
    kinesis.create_stream(StreamName=NAME, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    aws.client(settings, "s3").create_bucket(Bucket=BUCKET)
    glue.create_database(DatabaseInput={"Name": NAME})
    keys = [{"Name": name, "Type": "string"} for name, _ in PARTITIONS]
    storage = {"Columns": columns(), "Location": f"s3://{BUCKET}/parquet/"}
    table = {"Name": NAME, "StorageDescriptor": storage, "PartitionKeys": keys}
    glue.create_table(DatabaseName=NAME, TableInput=table)
    source = kinesis.describe_stream_summary(StreamName=NAME)["StreamDescriptionSummary"]
    aws.client(settings, "firehose").create_delivery_stream(
        DeliveryStreamName=NAME,
        DeliveryStreamType=streams.SOURCE,
        KinesisStreamSourceConfiguration={
            "KinesisStreamARN": source["StreamARN"],
            "RoleARN": _role(),
        },
        ExtendedS3DestinationConfiguration=_destination(interval),
    )


@contextmanager
def _emulator() -> Iterator[Settings]:
    with (
        tempfile.TemporaryDirectory(prefix="sdp-bench-") as folder,
        emulator.alone(Path(folder)) as settings,
    ):
        try:
            create(settings)
            yield settings
        finally:
            worker.service(settings).kill()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Print the figures; 1 when it is too slow on its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000, help="in the backlog")
    parser.add_argument("--rate", type=float, default=2_000, help="records/s of the steady load")
    parser.add_argument("--seconds", type=float, default=20, help="of each phase of the load")
    options = parser.parse_args()
    data = events(options.records)
    size = sum(map(len, data)) / len(data)
    load = " ".join(f"{one:.1f}" for one in psutil.getloadavg())
    _say(f"{len(data):,} records of {size:.0f} bytes; load of the machine before: {load}")
    with tempfile.TemporaryDirectory(prefix="sdp-bench-") as folder:
        rate = max(alone(data, Path(folder) / str(n)) for n in range(3))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    _say(f"                 peak memory {peak:,} MiB, all the records themselves included")
    with _emulator() as settings:
        end_to_end(settings, data)
        beside(settings, data, options.rate, options.seconds)
    return int(rate < MIN_RATE)


if __name__ == "__main__":
    raise SystemExit(main())
