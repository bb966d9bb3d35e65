"""What is live: the stored buckets, how far they are complete, and writing into them.

Written is to the streams of the results, so that a backfill takes the way of every other update:
persist stores what is newer, and the lake keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import orjson

from glue import Schema, UseCase
from glue.parameters import Parameters
from glue.targets import dynamodb
from glue.types import Integer
from infra.topology import Topology
from lambdas.adapters.dynamodb import DynamoStore
from lambdas.adapters.kinesis import KinesisStream
from lambdas.reports.progress import completeness
from lambdas.stream import Entry
from sdpctl.backfill.comparing import Bucket, Buckets, Key, bucket, rows
from sdpctl.backfill.plan import Span
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
        """Up to when no count can change any more; None while nothing is known."""
        table = self.topology.progress_table
        read = completeness(DynamoStore(self.dynamodb), table, {self.use_case.name: parameters})
        return read(self.use_case.name).through

    def buckets(self, span: Span) -> Buckets:
        """The stored buckets that begin within the span. Scans the tables of the reports."""
        return {key: found for r in self.use_case.reports for key, found in self._scan(r, span)}

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

    def write(self, found: Buckets, generation: int, progress: Callable[[int], None]) -> None:
        """Put the buckets into the streams; CommandError if one is not taken after retries."""
        stream, todo = KinesisStream(self.kinesis), rows(self.use_case, found, generation)
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
                f"{name} did not take {len(reasons)} buckets: {reasons[0]}. Run the backfill "
                "again: what was taken is written once more and changes nothing."
            )

    def _table(self, report: Schema) -> str:
        wanted = f"{self.use_case.name}/{report.path}"
        return next(table.name for table in self.topology.tables if table.key == wanted)


_VERSIONS = ("version", "generation")
