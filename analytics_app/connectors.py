"""Where tables live: connector options per stream. SQL and definitions never name a connector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from analytics_app.properties import Properties, PropertiesError
from glue.catalog import PROGRESS
from glue.limits import RECORD_BYTES

JSON = {"format": "json", "json.timestamp-format.standard": "ISO-8601"}
SOURCE_JSON = {"format": "sdp-json"}  # the same, read faster
_OMIT_NULLS = {"json.encode.ignore-null-fields": "true"}


class Connector(Protocol):
    """Options of the tables of one kind of storage."""

    @property
    def metadata(self) -> bool:
        """Whether records carry their origin as metadata columns."""

    @property
    def partitioned(self) -> bool:
        """Whether a sink spreads its records by a key column."""

    def source(self, use_case: str, stream: str) -> dict[str, str]:
        """Options of the table that reads a stream."""

    def sink(self, use_case: str, stream: str) -> dict[str, str]:
        """Options of the table that writes a stream."""

    def ledger(self, use_case: str) -> dict[str, str]:
        """Options of the table that writes what became of the records of each minute."""

    def definitions(self, use_case: str) -> dict[str, str]:
        """Options of an operator that reads the definitions of a use case."""


@dataclass(frozen=True)
class Kinesis:
    """Kinesis streams, by ARN. The endpoint is the SDK's own, so the environment may move it."""

    streams: Mapping[tuple[str, str], str]
    region: str
    metadata: bool = True
    partitioned: bool = True
    tables: Mapping[str, str] = field(default_factory=dict)

    def source(self, use_case: str, stream: str) -> dict[str, str]:
        """Reads from the oldest record kept: a first start misses nothing."""
        start = {"source.init.position": "TRIM_HORIZON"}
        largest = {"source.record.max-bytes": str(RECORD_BYTES)}
        return {**self._stream(use_case, stream), **start, **largest, **SOURCE_JSON}

    def sink(self, use_case: str, stream: str) -> dict[str, str]:
        """Writes after at most 100 ms: the time to buffer is latency."""
        flush = {"sink.flush-buffer.timeout": "100"}
        return {**self._stream(use_case, stream), **flush, **JSON, **_OMIT_NULLS}

    def ledger(self, use_case: str) -> dict[str, str]:
        """Beside the progress, in its stream: a few rows a minute."""
        return self.sink(use_case, PROGRESS)

    def definitions(self, use_case: str) -> dict[str, str]:
        """Reads the table as long as the job runs, and moves its frontier."""
        try:
            return {"definitions.table": self.tables[use_case], "aws.region": self.region}
        except KeyError:
            key = f"definitions.{use_case}"
            raise PropertiesError(
                f"{key}: the property is missing; it is the name of the table of definitions"
            ) from None

    def _stream(self, use_case: str, stream: str) -> dict[str, str]:
        try:
            arn = self.streams[use_case, stream]
        except KeyError:
            key = f"stream.{use_case}.{stream}"
            raise PropertiesError(
                f"{key}: the property is missing; it is the stream's ARN"
            ) from None
        return {"connector": "kinesis", "stream.arn": arn, "aws.region": self.region}


@dataclass(frozen=True)
class Files:
    """NDJSON files, one folder a stream below `path`: bounded, for backfills, tests and benchmarks.

    Of the results only the streams `kept` are written, all of them if it names none. Definitions
    are those of the deployment's `tables` as they are now, or else the file `definitions.ndjson` in
    the use case's folder, one version a line.
    """

    path: str
    kept: tuple[str, ...] = ()
    metadata: bool = False
    partitioned: bool = False
    tables: Mapping[str, str] = field(default_factory=dict)
    region: str = ""

    def source(self, use_case: str, stream: str) -> dict[str, str]:
        """Reads the files that exist, then ends."""
        return {**self._stream(use_case, stream), **JSON, "json.ignore-parse-errors": "true"}

    def sink(self, use_case: str, stream: str) -> dict[str, str]:
        """Writes parts as they are committed, or nothing."""
        if self.kept and stream not in self.kept:
            return {"connector": "blackhole"}
        return {**self._stream(use_case, stream), **JSON, **_OMIT_NULLS}

    def ledger(self, use_case: str) -> dict[str, str]:
        """A folder of its own."""
        return self.sink(use_case, "ledger")

    def definitions(self, use_case: str) -> dict[str, str]:
        """Reads once, and moves no frontier."""
        if table := self.tables.get(use_case):
            once = {"definitions.bounded": "true", "aws.region": self.region}
            return {"definitions.table": table, **once}
        return {"definitions.file": f"{self.path}/{use_case}/definitions.ndjson"}

    def _stream(self, use_case: str, stream: str) -> dict[str, str]:
        return {"connector": "filesystem", "path": f"{self.path}/{use_case}/{stream}"}


def connector(properties: Properties) -> Connector:
    """The connector the properties name."""
    match properties.connector:
        case "kinesis":
            return Kinesis(properties.streams, properties.region, tables=properties.definitions)
        case "files":
            return Files(
                properties.files_path,
                properties.files_kept,
                tables=properties.definitions,
                region=properties.region,
            )
        case other:
            raise PropertiesError(f"connector: {other!r} is not one of ['kinesis', 'files']")
