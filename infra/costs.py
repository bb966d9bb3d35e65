"""The monthly cost of a deployment, from its settings, the load, and the prices in prices.json.

An estimate: each line states what it multiplies. Sizes and ratios are in `Load`; they are printed
with the result, so that readers can use their own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from glue.mqtt import MQTT
from infra.applications import Application
from infra.settings import Settings
from infra.topology import Kind, Stream, Topology

PRICES = Path(__file__).with_name("prices.json")
HOURS = 730.0
SECONDS = HOURS * 3_600
MINUTES = HOURS * 60
_MIB, _GB = 2**20, 1e9
# A shard accepts 1,000 records and 1 MB per second; above this share of it, another is added.
_FULL, _SHARD_RECORDS, _SHARD_BYTES = 0.7, 1_000, 1_000_000
# What a record is rounded up to, in bytes: by Firehose, and by streams of either mode.
_FIREHOSE_UNIT, _PUT_UNIT, _ON_DEMAND_UNIT = 5_000, 25_000, 1_024
_MESSAGE_UNIT = 5 * 1_024  # by IoT Core
# A rule stores a payload as base64; a function reads at most 500 at once.
_ENCODED, _MESSAGES_READ = 4 / 3, 500
_KPU_STORAGE_GB = 50
_DAY, _WEEK = 24, 7 * 24


@dataclass(frozen=True)
class Load:
    """Events a second, evenly over the event streams, and what they are like.

    `batch` events are in one request. An event is `event_bytes` of JSON, and leads to `results`
    records of `result_bytes` (joined rows, dead letters, counts). A KPU processes `per_kpu` events
    a second. `keys` report keys are written each second. Parquet has `parquet_share` of the
    bytes of JSON, gzip `gzip_share`. `reports` requests a second are for reports; each of
    `scans` queries a day reads `scanned_gb`. Of the events that have MQTT topics, `mqtt_share`
    arrives over MQTT, `message_events` in one message, from `things` that are always connected.
    """

    events: float
    batch: int = 100
    event_bytes: int = 300
    results: float = 1.0
    result_bytes: int = 400
    per_kpu: int = 5_000
    keys: float = 20.0
    parquet_share: float = 0.25
    gzip_share: float = 0.15
    reports: float = 1.0
    scans: int = 20
    scanned_gb: float = 1.0
    log_bytes: int = 700
    mqtt_share: float = 1.0
    message_events: float = 1.0
    things: int = 100


class Line(NamedTuple):
    """The monthly cost of one service in dollars, and for what."""

    service: str
    what: str
    dollars: float


@dataclass(frozen=True)
class Costs:
    """The estimate for one deployment under one load."""

    topology: Topology
    settings: Settings
    load: Load
    alarms: int
    prices: Mapping[str, float]

    @property
    def total(self) -> float:
        """Dollars a month."""
        return sum(line.dollars for line in self.lines())

    def lines(self) -> list[Line]:
        """One line per service; lines of the same service are added up."""
        by_service: dict[str, Line] = {}
        for line in self._lines():
            held = by_service.get(line.service, Line(line.service, line.what, 0.0))
            by_service[line.service] = held._replace(dollars=held.dollars + line.dollars)
        return list(by_service.values())

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Every stream, those of MQTT messages included."""
        return (*self.topology.streams, *(m.stream for m in self.topology.messages))

    def shards(self, stream: Stream) -> int:
        """The shards that a stream has, or needs if that is more."""
        records, size = self._records(stream)
        need = max(records / _SHARD_RECORDS, records * size / _SHARD_BYTES) / _FULL
        return max(self._configured(stream), math.ceil(need), 1)

    def _configured(self, stream: Stream) -> int:
        """The shards that the deployment gives a stream; 0: as many as it needs, on demand."""
        match stream.kind:
            case Kind.EVENTS:
                return self.settings.shards
            case Kind.RESULTS:
                return self.settings.result_shards
            case Kind.PROGRESS:
                return 1

    @property
    def kpus(self) -> int:
        """Those of each application's job, and one for its orchestration."""
        return sum(self._kpus(a) + 1 for a in self.topology.applications)

    def _kpus(self, application: Application) -> int:
        scale = self.settings.scales[application.name]
        configured = math.ceil(scale.parallelism / scale.parallelism_per_kpu)
        streams = self.topology.event_streams
        own = sum(s.use_case in application.use_cases for s in streams)
        events = self.load.events * own / len(streams)
        return max(configured, math.ceil(events / self.load.per_kpu))

    def _records(self, stream: Stream) -> tuple[float, int]:
        """Records a second of a stream, and their bytes."""
        load = self.load
        if stream.stream == MQTT:
            size = load.event_bytes * load.message_events * _ENCODED
            return self._messages / len(self.topology.messages), math.ceil(size)
        if stream.kind is Kind.EVENTS:
            return load.events / len(self.topology.event_streams), load.event_bytes
        results = [s for s in self.topology.streams if s.kind is Kind.RESULTS]
        if stream.kind is Kind.RESULTS:
            return load.events * load.results / len(results), load.result_bytes
        return 1 / 60, 200

    @property
    def _messages(self) -> float:
        """MQTT messages a second."""
        topics = len(self.topology.messages) / len(self.topology.event_streams)
        return self.load.events * topics * min(self.load.mqtt_share, 1) / self.load.message_events

    @property
    def _requests(self) -> float:
        """HTTP requests with events a second."""
        return (self.load.events - self._messages * self.load.message_events) / self.load.batch

    def _lines(self) -> Iterator[Line]:
        yield from self._mqtt()
        yield from self._kinesis()
        yield self._flink()
        yield from self._functions()
        yield from self._gateway()
        yield self._delivery()
        yield from self._tables()
        yield from self._lake()
        yield self._training()
        yield from self._operation()

    def _mqtt(self) -> Iterator[Line]:
        if not self.topology.messages:
            return
        size = self.load.event_bytes * self.load.message_events
        messages = self._messages * math.ceil(size / _MESSAGE_UNIT) * SECONDS / 1e6
        tiers = {"": 1e3, " above 1 billion": 5e3, " above 5 billion": math.inf}
        dollars = self._tiered("iot million messages", messages, tiers)
        dollars += messages * self.prices["iot million rules"]
        dollars += messages * self.prices["iot million actions"]
        connected = self.load.things * MINUTES / 1e6 if self.load.events else 0.0
        dollars += connected * self.prices["iot million connection minutes"]
        yield Line("IoT Core", "MQTT messages, their rule, connections of things", dollars)

    def _kinesis(self) -> Iterator[Line]:
        name, what = "Kinesis", "shards, records, events kept longer than a day"
        for stream in self.streams:
            records, size = self._records(stream)
            if not self._configured(stream):
                yield Line(name, what, self._on_demand(stream))
                continue
            units = records * math.ceil(size / _PUT_UNIT) * SECONDS / 1e6
            hours = self.shards(stream) * HOURS
            long = self._hours(stream) > _DAY
            dollars = hours * self.prices["kinesis shard hour"]
            dollars += units * self.prices["kinesis million put units of 25 KB"]
            dollars += long * hours * self.prices["kinesis extended retention shard hour"]
            dollars += self._kept(stream, _WEEK) * self.prices["kinesis long retention GB month"]
            yield Line(name, what, dollars)

    def _on_demand(self, stream: Stream) -> float:
        """A stream on demand; two readers: the application or persist, and the delivery."""
        records, size = self._records(stream)
        billed = records * math.ceil(size / _ON_DEMAND_UNIT) * _ON_DEMAND_UNIT * SECONDS / _GB
        read = 2 * records * size * SECONDS / _GB
        dollars = HOURS * self.prices["kinesis on-demand stream hour"]
        dollars += billed * self.prices["kinesis on-demand GB in"]
        dollars += read * self.prices["kinesis on-demand GB out"]
        days = self._kept(stream, _DAY, _WEEK)
        dollars += days * self.prices["kinesis on-demand extended retention GB month"]
        return dollars + self._kept(stream, _WEEK) * self.prices["kinesis long retention GB month"]

    def _kept(self, stream: Stream, after: int, until: float = math.inf) -> float:
        """Gigabytes of a stream that are older than `after` hours and at most `until` hours old."""
        records, size = self._records(stream)
        hours = min(self._hours(stream), until) - after
        return max(hours, 0) * 3_600 * records * size / _GB

    def _hours(self, stream: Stream) -> int:
        events = stream.kind is Kind.EVENTS
        settings = self.settings
        return settings.stream_retention_hours if events else settings.result_retention_hours

    def _flink(self) -> Line:
        dollars = self.kpus * HOURS * self.prices["flink KPU hour"]
        storage = (self.kpus - len(self.topology.applications)) * _KPU_STORAGE_GB
        dollars += storage * self.prices["flink running storage GB month"]
        return Line("Managed Flink", "KPUs, one per application for orchestration", dollars)

    def _functions(self) -> Iterator[Line]:
        load = self.load
        polls = 1.0 if load.events else 1 / 60
        calls = {  # a second: GiB, seconds each
            "ingest": (self._requests, 1.0, 0.05 + 0.0002 * load.batch),
            "mqtt": self._mqtt_calls(),
            "persist": (2 * polls * max(1, load.events * load.results / 2_500), 0.5, 0.1),
            "reports": (load.reports, 0.5, 0.05),
            "scheduled": (2 / 60 + 1 / self.settings.training.look_minutes / 60, 1.0, 4.0),
            "audit": (1 / 300, 0.5, 1.0),
            "compaction": (1 / 300, 1.73, 5 + self._bytes() * 300 / (20 * _MIB)),
        }
        for a_second, gib, seconds in calls.values():
            dollars = a_second * SECONDS / 1e6 * self.prices["lambda million requests"]
            dollars += a_second * SECONDS * gib * seconds * self.prices["lambda GB second"]
            yield Line("Lambda", "ingestion, storing results, reports, care of the lake", dollars)

    def _mqtt_calls(self) -> tuple[float, float, float]:
        """Of the function that reads messages: each shard once a second, or as often as needed."""
        shards = sum(self.shards(m.stream) for m in self.topology.messages)
        calls = max(shards, self._messages / _MESSAGES_READ) if self._messages else 0.0
        return calls, 0.5, 0.05 + 0.0002 * self._messages / max(calls, 1)

    def _gateway(self) -> Iterator[Line]:
        requests = (self._requests + self.load.reports) * SECONDS / 1e6
        tiers = {"": 333, " above 333 million": 1_000, " above 1 billion": 20_000}
        last = {" above 20 billion": math.inf}
        dollars = self._tiered("api gateway million requests", requests, tiers | last)
        yield Line("API Gateway", f"requests of {self.load.batch} events, reports", dollars)

    def _delivery(self) -> Line:
        records = sum(self._records(d.stream)[0] for d in self.topology.deliveries)
        billed = records * _FIREHOSE_UNIT * SECONDS / _GB
        tiers = {"": 500e3, " above 500 TB": 2_000e3, " above 2 PB": math.inf}
        dollars = self._tiered("firehose GB in", billed, tiers)
        dollars += billed * self.prices["firehose GB converted"]
        return Line("Firehose", "each record as 5 KB, into Parquet", dollars)

    def _tiered(self, name: str, units: float, tiers: Mapping[str, float]) -> float:
        """Dollars for units whose price falls: `tiers` are price suffixes and where each ends."""
        dollars, below = 0.0, 0.0
        for suffix, end in tiers.items():
            dollars += (min(units, end) - below) * self.prices[name + suffix]
            below = min(units, end)
        return dollars

    def _tables(self) -> Iterator[Line]:
        # A bucket and its total in one transaction take two units each; both are read before.
        written = min(self.load.keys, self.load.events) * SECONDS / 1e6
        stored = min(self.load.keys, self.load.events) * HOURS * 12 * 300 / _GB
        # The ledger: an intent and a result for each request, an item each two seconds.
        noted = (2 * self._requests + min(self.load.events, 0.5)) * SECONDS / 1e6
        dollars = (written * 4 + noted) * self.prices["dynamodb million write units"]
        dollars += (written * 2 + self.load.reports * SECONDS / 1e6 * 2) * self.prices[
            "dynamodb million read units"
        ]
        dollars += stored * self.prices["dynamodb GB month"]
        dollars += stored * self.prices["dynamodb recovery GB month"]
        yield Line("DynamoDB", "buckets, totals, ledger, recovery", dollars)

    def _bytes(self) -> float:
        """Bytes of JSON a second that go to the lake."""
        delivered = [self._records(d.stream) for d in self.topology.deliveries]
        return sum(records * size for records, size in delivered)

    def _lake(self) -> Iterator[Line]:
        month = self._bytes() * SECONDS / _GB
        stored = month * (self.load.parquet_share + self.load.gzip_share)
        files = SECONDS / max(self.settings.lake_buffer_seconds, 60) * 2
        files *= len(self.topology.deliveries) * min(self.load.events, 1)
        dollars = stored * self.prices["s3 GB month"]
        dollars += files / 1e3 * self.prices["s3 thousand writes"]
        dollars += 60 * MINUTES / 1e3 * self.prices["s3 thousand reads"]
        # The lake function lists the folders of every table each minute.
        listings = 3 * len(self.topology.deliveries) * MINUTES
        dollars += listings / 1e3 * self.prices["s3 thousand writes"]
        yield Line("S3", "one month of the lake; each further month adds the same", dollars)
        scanned = self.load.scans * HOURS / _DAY * self.load.scanned_gb / 1e3
        yield Line("Athena", "queries", scanned * self.prices["athena TB scanned"])

    def _training(self) -> Line:
        modelled = sum(use_case.model is not None for use_case in self.topology.catalog.use_cases)
        runs = HOURS / _DAY * modelled * min(self.load.events, 1)
        hours = runs * 2 * 10 / 60
        dollars = hours * self.prices["sagemaker training hour"]
        dollars += runs * 400 / 1e3 * self.prices["step functions thousand transitions"]
        return Line("SageMaker", "one retraining a day, two jobs of 10 minutes", dollars)

    def _operation(self) -> Iterator[Line]:
        requests = (self._requests + self.load.reports) * SECONDS
        logged = (requests + 5 * MINUTES) * 2 * self.load.log_bytes / _GB
        dollars = self.alarms * self.prices["cloudwatch alarm month"]
        dollars += logged * self.prices["cloudwatch log GB"]
        dollars += 0.05 * requests / 1e6 * self.prices["xray million traces"]
        yield Line("CloudWatch, X-Ray", "alarms, logs, 5 % of the requests traced", dollars)
        yield Line("KMS", "keys of the lake and of the alarms", 2 * self.prices["kms key month"])


def read_prices(path: Path = PRICES) -> dict[str, Any]:
    """The file of prices: region, currency, date, source, prices."""
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document
