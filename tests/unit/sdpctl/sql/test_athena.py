"""A query's life, against an Athena that is played by a class."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sdpctl.errors import CommandError
from sdpctl.sql.athena import Athena
from sdpctl.sql.rows import Column

NAMES = {"Data": [{"VarCharValue": "id"}, {"VarCharValue": "n"}]}
COLUMNS = [{"Name": "id", "Type": "varchar"}, {"Name": "n", "Type": "bigint"}]


class Fake:
    """Goes through the states, then gives the pages of one result."""

    def __init__(self, *states: str, reason: str = "", pages: list[list[dict[str, Any]]]) -> None:
        self.states, self.reason, self.result = list(states), reason, pages
        self.requested: dict[str, Any] = {}
        self.stopped: list[str] = []

    def start_query_execution(self, **request: Any) -> dict[str, str]:
        self.requested = request
        return {"QueryExecutionId": "q-1"}

    def get_query_execution(self, **_: str) -> dict[str, Any]:
        state = self.states.pop(0)
        return {
            "QueryExecution": {
                "StatementType": "DML",
                "Status": {"State": state, "StateChangeReason": self.reason},
                "Statistics": {"TotalExecutionTimeInMillis": 120, "DataScannedInBytes": 4096},
            }
        }

    def get_query_results(self, **request: Any) -> dict[str, Any]:
        number = int(request.get("NextToken", 0))
        more = {"NextToken": str(number + 1)} if number + 1 < len(self.result) else {}
        metadata = {"ColumnInfo": COLUMNS}
        return {"ResultSet": {"Rows": self.result[number], "ResultSetMetadata": metadata}, **more}

    def stop_query_execution(self, **request: str) -> None:
        self.stopped.append(request["QueryExecutionId"])


def row(id_: str | None, n: int | None) -> dict[str, Any]:
    """A row as Athena gives it: a NULL has no value."""
    return {"Data": [{} if v is None else {"VarCharValue": str(v)} for v in (id_, n)]}


def athena(client: Any, pause: Any = lambda _: None) -> Athena:
    """A query runner that does not wait."""
    return Athena(client, "sdp-shop", "sdp_shop", pause)


def test_a_query_is_waited_for_and_all_its_pages_are_read() -> None:
    fake = Fake("QUEUED", "RUNNING", "SUCCEEDED", pages=[[NAMES, row("a", 1)], [row(None, None)]])
    seen: list[str] = []
    runner = athena(fake)
    finished = runner.run("SELECT 1", seen.append)
    pages = list(runner.pages(finished))
    assert seen == ["QUEUED", "RUNNING", "SUCCEEDED"]
    assert (finished.milliseconds, finished.scanned_bytes) == (120, 4096)
    assert fake.requested["WorkGroup"] == "sdp-shop"
    assert fake.requested["QueryExecutionContext"] == {"Database": "sdp_shop"}
    assert [rows for _, rows in pages] == [[["a", 1]], [[None, None]]]
    assert pages[0][0] == [Column("id", "varchar"), Column("n", "bigint")]
    assert fake.stopped == []


def test_the_reason_of_a_failure_is_athenas_own() -> None:
    reason = "COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved"
    with pytest.raises(CommandError, match=reason):
        athena(Fake("FAILED", reason=reason, pages=[])).run("SELECT x")


def test_an_interrupted_query_is_stopped_in_athena() -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    fake = Fake("RUNNING", pages=[])
    with pytest.raises(KeyboardInterrupt):
        athena(fake, interrupt).run("SELECT 1")
    assert fake.stopped == ["q-1"]


def test_a_refused_request_is_shown_as_athena_says_it() -> None:
    class Refusing(Fake):
        def start_query_execution(self, **_: Any) -> dict[str, str]:
            answer = {"Error": {"Code": "InvalidRequestException", "Message": "no such workgroup"}}
            raise ClientError(answer, "StartQueryExecution")  # type: ignore[arg-type]

    with pytest.raises(CommandError, match="no such workgroup"):
        athena(Refusing(pages=[])).run("SELECT 1")


def test_values_have_the_types_of_their_columns() -> None:
    from glue.sql import value

    assert value("bigint", "7") == 7
    assert value("double", "0.5") == 0.5
    assert value("decimal", "1.10") == Decimal("1.10")
    assert value("boolean", "true") is True
    assert value("timestamp", "2026-11-21 10:00:00.000") == "2026-11-21 10:00:00.000"
    assert value("varchar", "7") == "7"
    assert value("bigint", None) is None


def test_a_query_that_athena_does_not_take_is_refused_with_both_sizes() -> None:
    """Athena counts bytes, not characters."""
    athena = Athena(object(), "group", "database", lambda _: None)
    with pytest.raises(
        CommandError, match=r"the query has 300,000 bytes; Athena accepts at most 262,144"
    ):
        athena.run("ä" * 150_000)
