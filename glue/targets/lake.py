"""The lake's tables: which columns a stream's records have there, and where their files lie.

A record's parquet table and its raw table (the original JSON) have the same columns. Names and
folders are decided here, for whoever deploys, fills, merges or reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from glue import deadletter
from glue.catalog import DEAD_LETTERS, PROGRESS, UseCase
from glue.errors import SchemaError
from glue.targets.flink import event_columns, table_name
from glue.targets.jsonschema import stream_columns
from glue.types import Column

PARTITIONS: tuple[tuple[str, str], ...] = (
    ("date", "Day of delivery, UTC, as 2026-11-21."),
    ("hour", "Hour of delivery, UTC, 00 to 23."),
)


@dataclass(frozen=True)
class LakeTable:
    """The tables of one stream's records; every folder is a key prefix that ends in `/`.

    `key` is the column that files are sorted by. `identity` are the columns that tell a repeated
    record, which merging drops; empty: only equal rows are repetitions.
    """

    use_case: str
    stream: str
    doc: str
    columns: tuple[Column, ...]
    key: str
    identity: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if taken := [name for name, _ in PARTITIONS if name in names]:
            raise SchemaError(
                f"{self.use_case}/{self.stream}: fields {taken} have the same names as the lake's "
                "partition columns; rename them"
            )

    @property
    def record(self) -> str:
        """The stream's name as SQL can write it."""
        return table_name(self.stream)

    @property
    def parquet(self) -> str:
        """The table of Parquet files."""
        return f"parquet_{self.record}"

    @property
    def raw(self) -> str:
        """The table of the original JSON."""
        return f"raw_{self.record}"

    @property
    def parquet_folder(self) -> str:
        """Where Parquet files are delivered."""
        return self._folder("parquet")

    @property
    def raw_folder(self) -> str:
        """Where the original JSON is delivered."""
        return self._folder("raw")

    @property
    def error_folder(self) -> str:
        """Where records lie that could not be delivered; below it a folder per kind of error."""
        return self._folder("errors")

    @property
    def compacted_folder(self) -> str:
        """Where merged Parquet files lie."""
        return self._folder("compacted")

    @property
    def any_folder(self) -> str:
        """A pattern of its folders of every kind, for permissions: IAM bounds their length."""
        return self._folder("*")

    def _folder(self, kind: str) -> str:
        return f"{self.use_case}/{kind}/{self.record}/"


def lake_tables(use_case: UseCase) -> tuple[LakeTable, ...]:
    """A table for each stream of the use case but progress, in the streams' order."""
    return tuple(_table(use_case, stream) for stream in use_case.streams if stream != PROGRESS)


def table_of(use_case: UseCase, stream: str) -> LakeTable:
    """The table of one of the use case's streams, which is not progress."""
    return _table(use_case, stream)


def partition_folder(at: datetime) -> str:
    """The part of a key below a table's folder, for records delivered in that hour (UTC)."""
    return f"{at:date=%Y-%m-%d/hour=%H/}"


def database_name(prefix: str, use_case: str) -> str:
    """The use case's Glue database in the deployment of that prefix."""
    return f"{prefix}_{use_case}".replace("-", "_")


def _table(use_case: UseCase, stream: str) -> LakeTable:
    if stream == DEAD_LETTERS:
        columns, key = deadletter.COLUMNS, deadletter.KEY
        return LakeTable(use_case.name, stream, deadletter.DOC, columns, key)
    if stream in use_case.event_streams:
        return _events(use_case, stream)
    schemas = [s for s in use_case.schemas if s.stream == stream]
    if len(schemas) > 1:
        names = [s.name for s in schemas]
        raise SchemaError(f"{use_case.name}/{stream}: {names} cannot share one table of the lake")
    (schema,) = schemas
    return LakeTable(use_case.name, stream, schema.doc, stream_columns(schema), schema.key)


def _events(use_case: UseCase, stream: str) -> LakeTable:
    """All events of one stream in one table; heartbeats are rows among them."""
    keys = list(dict.fromkeys(event.key for event in use_case.events_on(stream)))
    return LakeTable(
        use_case.name,
        stream,
        f"{use_case.doc} All events as ingested, heartbeats among them.",
        event_columns(use_case, stream),
        keys[0],
        (*keys, "type", "event_id"),
    )
