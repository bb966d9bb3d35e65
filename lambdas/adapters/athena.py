"""A use case's tables: queries by Athena, partitions from Glue."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3

from glue.errors import PlatformError
from lambdas.ports.training import Partition, Row

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_glue import GlueClient

ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
TIMEOUT = 120.0


class QueryError(PlatformError):
    """The query did not succeed; Athena's reason."""


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
        started = self._athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self._database},
            WorkGroup=self._workgroup,
        )
        execution = started["QueryExecutionId"]
        self._await(execution)
        pages = self._athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution)
        rows = [row["Data"] for page in pages for row in page["ResultSet"]["Rows"]]
        return [[cell.get("VarCharValue") for cell in row] for row in rows[1:]]  # after the header

    def _await(self, execution: str) -> None:
        deadline, pause = self._monotonic() + self._timeout, 0.1
        while True:
            execution_status = self._athena.get_query_execution(QueryExecutionId=execution)
            status = execution_status["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return
            if status["State"] in ENDED or self._monotonic() > deadline:
                reason = status.get("StateChangeReason", "it took too long")
                raise QueryError(f"query {execution} is {status['State']}: {reason}")
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
