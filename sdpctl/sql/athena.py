"""One query in Athena: start it, wait for it, stop it if interrupted, read it page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from glue.sql import value
from infra.topology import Topology
from sdpctl import deployment
from sdpctl.clock import pause
from sdpctl.deployment import errors
from sdpctl.errors import CommandError
from sdpctl.sql.rows import Column, Row

RUNNING = ("QUEUED", "RUNNING")
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
PAGE = 1000  # Athena's maximum per page
QUERY_BYTES = 262_144  # Athena's maximum


@dataclass(frozen=True)
class Finished:
    """A query that has succeeded."""

    query_id: str
    kind: str
    milliseconds: int
    scanned_bytes: int


@dataclass(frozen=True)
class Athena:
    """Runs queries of one workgroup and database. `client` is boto3's; `pause` waits seconds."""

    client: Any
    workgroup: str
    database: str
    pause: Callable[[float], None]

    @classmethod
    def of(cls, topology: Topology, use_case: str, region: str | None) -> Athena:
        """The queries of a deployed use case."""
        workgroup, database = topology.workgroup(use_case), topology.database(use_case)
        return cls(deployment.client("athena", region), workgroup, database, pause)

    def run(self, sql: str, watch: Callable[[str], None] = lambda _: None) -> Finished:
        """Wait for the query's end; `watch` receives its state at each poll.

        Raises CommandError with Athena's reason. If the wait is interrupted, the query is stopped
        in Athena.
        """
        if (size := len(sql.encode())) > QUERY_BYTES:
            raise CommandError(
                f"the query has {size:,} bytes; Athena accepts at most {QUERY_BYTES:,}"
            )
        with errors():
            query_id = self.client.start_query_execution(
                QueryString=sql,
                WorkGroup=self.workgroup,
                QueryExecutionContext={"Database": self.database},
            )["QueryExecutionId"]
        try:
            return self._await(query_id, watch)
        except BaseException:
            self._stop(query_id)
            raise

    def pages(self, finished: Finished) -> Iterator[tuple[list[Column], list[Row]]]:
        """The result's columns and rows, page by page; rows have Python values."""
        request, first = {"QueryExecutionId": finished.query_id, "MaxResults": PAGE}, True
        while True:
            with errors():
                answer = self.client.get_query_results(**request)
            result_set = answer["ResultSet"]
            columns = [
                Column(c["Name"], c["Type"]) for c in result_set["ResultSetMetadata"]["ColumnInfo"]
            ]
            rows = result_set["Rows"]
            if first and finished.kind == "DML":  # the names of the columns
                rows = rows[1:]
            yield columns, [_row(columns, row["Data"]) for row in rows]
            if not answer.get("NextToken"):
                return
            request["NextToken"], first = answer["NextToken"], False

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Runs a query to its end; its rows, as column name → value."""
        return [
            dict(zip((column.name for column in columns), row, strict=True))
            for columns, page in self.pages(self.run(sql))
            for row in page
        ]

    def _await(self, query_id: str, watch: Callable[[str], None]) -> Finished:
        wait = FIRST_PAUSE
        while True:
            with errors():
                response = self.client.get_query_execution(QueryExecutionId=query_id)
            execution = response["QueryExecution"]
            status = execution["Status"]
            watch(status["State"])
            if status["State"] not in RUNNING:
                break
            self.pause(wait)
            wait = min(wait * 1.5, LONGEST_PAUSE)
        if status["State"] != "SUCCEEDED":
            raise CommandError(status.get("StateChangeReason") or f"the query {status['State']}")
        statistics = execution.get("Statistics", {})
        return Finished(
            query_id,
            execution.get("StatementType", ""),
            statistics.get("TotalExecutionTimeInMillis", 0),
            statistics.get("DataScannedInBytes", 0),
        )

    def _stop(self, query_id: str) -> None:
        """Stop the query; Athena ignores this after its end."""
        with errors():
            self.client.stop_query_execution(QueryExecutionId=query_id)


def _row(columns: list[Column], data: list[dict[str, str]]) -> Row:
    return [value(c.type, d.get("VarCharValue")) for c, d in zip(columns, data, strict=True)]
