"""The live reports: the stored buckets, how far they are complete, and writing to them.

Writes go to the result streams, so that a backfill or a replay takes the same path as every other
update: persist stores what is newer, and the lake keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import orjson

from glue import Schema, UseCase
from glue.parameters import Parameters
from glue.targets import dynamodb
from glue.types import Integer
from infra.topology import Topology
from lambdas.adapters.definitions import DynamoDefinitions
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.adapters.kinesis import KinesisStream
from lambdas.ports.stream import Entry
from lambdas.reports.progress import completeness
from sdpctl.backfill.comparing import Bucket, Buckets, Key, bucket, rows
from sdpctl.backfill.plan import Span
from sdpctl.backfill.reach import reach
from sdpctl.errors import CommandError

BATCH = 500


@dataclass(frozen=True)
class Live:
    """The deployment's reports of a use case; `dynamodb` and `kinesis` are boto3 clients."""

    topology: Topology
    use_case: UseCase
    dynamodb: Any
    kinesis: Any

    def complete_through(self, parameters: Parameters) -> datetime | None:
        """The time before which no count can change; None while unknown."""
        table = self.topology.progress_table
        read = completeness(DynamoStore(self.dynamodb), table, {self.use_case.name: parameters})
        return read(self.use_case.name).through

    def reach(self, parameters: Parameters, until: datetime) -> timedelta:
        """How far apart records may be that one result before `until` is made of."""
        store = DynamoDefinitions(self.dynamodb)
        table = self.topology.definitions_tables.get(self.use_case.name)
        return reach(self.use_case, parameters, store, table, until)

    def buckets(self, span: Span) -> Buckets:
        """The stored buckets that start within the span, emptied ones as well.

        Scans the tables of the reports.
        """
        return {key: bucket for r in self.use_case.reports for key, bucket in self._scan(r, span)}

    def _scan(self, report: Schema, span: Span) -> Iterator[tuple[Key, Bucket]]:
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self._table(report),
            ConsistentRead=True,
            FilterExpression="#period >= :low AND #period < :high",
            ExpressionAttributeNames={"#period": report.period},
            ExpressionAttributeValues={
                ":low": {"N": str(int(span.start.timestamp()))},
                ":high": {"N": str(int(span.end.timestamp()))},
            },
        )
        for page in pages:
            for item in page["Items"]:
                row = dynamodb.row(report, item)
                versions = {name: dynamodb.value(Integer(), item[name]) for name in _VERSIONS}
                key = Key(report.path, row[report.key], row[report.period])
                yield key, bucket(report, {**row, **versions})

    def created(self) -> datetime:
        """When the oldest of the tables was created."""
        tables = (self._table(report) for report in self.use_case.reports)
        found = (self.dynamodb.describe_table(TableName=table)["Table"] for table in tables)
        created: list[datetime] = [table["CreationDateTime"] for table in found]
        return min(created)

    def write(self, buckets: Buckets, generation: int, progress: Callable[[int], None]) -> None:
        """Put the buckets into the streams. Raises CommandError if one fails after all retries."""
        stream, todo = KinesisStream(self.kinesis), rows(self.use_case, buckets, generation)
        while part := list(islice(todo, BATCH)):
            for name in {kind for kind, _, _ in part}:
                entries = [
                    Entry(str(key), orjson.dumps(row)) for kind, key, row in part if kind == name
                ]
                self._put(stream, name, entries)
            progress(len(part))

    def _put(self, stream: KinesisStream, kind: str, entries: list[Entry]) -> None:
        name = f"{self.topology.prefix}-{self.use_case.name}-{kind}"
        if reasons := [reason for reason in stream.put(name, entries) if reason]:
            raise CommandError(
                f"{name}: {len(reasons)} buckets were not written: {reasons[0]}. Run the command "
                "again: writing a bucket twice changes nothing."
            )

    def _table(self, report: Schema) -> str:
        key = f"{self.use_case.name}/{report.path}"
        return next(table.name for table in self.topology.tables if table.key == key)


_VERSIONS = ("version", "generation")
