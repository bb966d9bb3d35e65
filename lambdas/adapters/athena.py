"""A use case's tables: queries by Athena, partitions from Glue."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3

from glue.errors import PlatformError
from glue.sql import value
from lambdas.ports.training import Partition, Row

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_glue import GlueClient

ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
TIMEOUT = 120.0


class QueryError(PlatformError):
    """The query did not succeed; Athena's reason."""


class QueryTimeout(QueryError):
    """The query was stopped: it took too long."""


class AthenaLake:
    """The `Lake` of retraining."""

    def __init__(
        self,
        database: str,
        workgroup: str,
        *,
        athena: AthenaClient | None = None,
        glue: GlueClient | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        timeout: float = TIMEOUT,
    ) -> None:
        self._database, self._workgroup = database, workgroup
        self._athena: Any = athena or boto3.client("athena")
        self._glue: Any = glue or boto3.client("glue")
        self._sleep, self._monotonic, self._timeout = sleep, monotonic, timeout

    def query(self, sql: str) -> list[Row]:
        """The rows of a query, as text. Raises QueryError with Athena's reason."""
        cells, _ = self._results(sql)
        return cells

    def named(self, sql: str) -> list[dict[str, Any]]:
        """The rows by column, numbers and booleans as such. Raises QueryError."""
        rows, columns = self._results(sql)
        return [
            {c["Name"]: value(c["Type"], text) for c, text in zip(columns, row, strict=True)}
            for row in rows
        ]

    def _results(self, sql: str) -> tuple[list[Row], list[dict[str, Any]]]:
        started = self._athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self._database},
            WorkGroup=self._workgroup,
        )
        execution = started["QueryExecutionId"]
        self._await(execution)
        paginator = self._athena.get_paginator("get_query_results")
        pages = [page["ResultSet"] for page in paginator.paginate(QueryExecutionId=execution)]
        rows = [row["Data"] for page in pages for row in page["Rows"]]
        columns: list[dict[str, Any]] = pages[0]["ResultSetMetadata"]["ColumnInfo"] if pages else []
        texts: list[Row] = [
            [cell.get("VarCharValue") for cell in row] for row in rows[1:]
        ]  # after the header
        return texts, columns

    def _await(self, execution: str) -> None:
        deadline, pause = self._monotonic() + self._timeout, 0.1
        while True:
            execution_status = self._athena.get_query_execution(QueryExecutionId=execution)
            status = execution_status["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return
            if status["State"] in ENDED:
                reason = status.get("StateChangeReason", "without a reason")
                raise QueryError(f"query {execution} is {status['State']}: {reason}")
            if self._monotonic() > deadline:
                # Nobody waits for it, and Athena would go on reading, for half an hour.
                self._athena.stop_query_execution(QueryExecutionId=execution)
                raise QueryTimeout(f"query {execution} took more than {self._timeout:.0f} s")
            self._sleep(pause)
            pause = min(2 * pause, 2.0)

    def partitions(self, table: str, since: str) -> list[Partition]:
        """The registered partitions of that date (YYYY-MM-DD) and later, in order."""
        pages = self._glue.get_paginator("get_partitions").paginate(
            DatabaseName=self._database, TableName=table, ExcludeColumnSchema=True
        )
        partitions = [
            Partition(p["Values"][0], p["Values"][1], p["StorageDescriptor"]["Location"])
            for page in pages
            for p in page["Partitions"]
            if p["Values"][0] >= since
        ]
        return sorted(partitions, key=lambda p: (p.date, p.hour))
