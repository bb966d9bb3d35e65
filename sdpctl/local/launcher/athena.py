"""Athena: queries run by `sdpctl.local.athena`, whose results are where Athena's are.

A result is one object at the OutputLocation of the answer, `ID.csv` or `ID.txt`, with its
`.metadata` beside it. What Athena refuses when a query is started is refused then. A stopped query
stops; bytes scanned are those that were read; nothing is created or dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.parse import urlparse

import duckdb
from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import athena, s3

from sdpctl.local.athena import engine, results
from sdpctl.local.athena.failures import athena_error, reason, syntax_error
from sdpctl.local.athena.parameters import filled
from sdpctl.local.athena.starting import ENGINE, Refusal, Request, configuration, request
from sdpctl.local.athena.statements import StatementError, kind
from sdpctl.local.athena.types import ResultType
from sdpctl.local.launcher import athena_files

REPLACED: dict[Callable[..., Any], list[str]] = {
    athena._start_query_execution: ["data"],
    athena._get_query_results: ["data"],
    athena._get_workgroup: ["data"],
    athena._stop_query_execution: ["data"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    athena: ("_executions", "_workgroups", "_data_catalogs"),
    **athena_files.USED,
}
USED[s3] = ("_put_object", *athena_files.USED[s3])
_stop = athena._stop_query_execution
_connections: dict[str, duckdb.DuckDBPyConnection] = {}
_started: dict[str, tuple[str, dict[str, Any]]] = {}  # by client token: the query, its request
_running: set[asyncio.Task[None]] = set()


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    athena._start_query_execution = _start_query_execution
    athena._get_query_results = _get_query_results
    athena._get_workgroup = _get_work_group
    athena._stop_query_execution = _stop_query_execution


def _start_query_execution(data: dict[str, Any]) -> Any:
    token = data.get("ClientRequestToken")
    if token in _started:
        query_id, earlier = _started[token]
        if earlier != data:
            return _invalid("Idempotent parameters do not match")
        return json_response({"QueryExecutionId": query_id})
    try:
        submitted = request(data, athena._workgroups, athena._data_catalogs)
        _require_syntax(submitted.query)
    except Refusal as refusal:
        return _invalid(str(refusal), refusal.code)
    query_id = new_uuid()
    athena._executions[query_id] = _execution(query_id, submitted)
    if token:
        _started[token] = query_id, data
    task = asyncio.create_task(_execute(query_id, submitted))
    _running.add(task)
    task.add_done_callback(_running.discard)
    return json_response({"QueryExecutionId": query_id})


def _require_syntax(query: str) -> None:
    try:
        engine.require_syntax(query)
    except StatementError as error:
        raise Refusal(str(error), "MALFORMED_QUERY") from error
    except duckdb.Error as error:
        raise Refusal(syntax_error(error), "MALFORMED_QUERY") from error


def _invalid(message: str, code: str | None = None) -> Any:
    extra = {"AthenaErrorCode": code} if code else None
    return error_response_json("InvalidRequestException", message, 400, extra=extra)


def _execution(query_id: str, submitted: Request) -> dict[str, Any]:
    statement_kind = kind(submitted.query)
    shown = {
        "QueryExecutionId": query_id,
        "Query": submitted.query,
        "StatementType": statement_kind.type,
        "SubstatementType": statement_kind.subtype,
        "ResultConfiguration": {
            **submitted.result_configuration,
            "OutputLocation": f"{submitted.folder}{query_id}.{statement_kind.extension}",
        },
        "QueryExecutionContext": {"Database": submitted.database, "Catalog": submitted.catalog},
        "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
        "Statistics": {},
        "WorkGroup": submitted.workgroup,
        "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE},
    }
    if submitted.parameters:
        shown["ExecutionParameters"] = list(submitted.parameters)
    return shown


async def _execute(query_id: str, submitted: Request) -> None:
    """Run the query and write its result; the execution says how it ended."""
    execution = athena._executions[query_id]
    if not execution.get("_stopped"):
        execution["Status"]["State"] = "RUNNING"
    begun = time.monotonic()
    try:
        query = filled(submitted.query, submitted.parameters)
        seen = athena_files.snapshot(query, submitted.database)
        answer = await asyncio.to_thread(_answer, query_id, query, submitted.database, seen)
        cells = await asyncio.to_thread(results.texts, answer.rows)
        _keep(execution, answer, cells)
        ended: dict[str, Any] = {"State": "SUCCEEDED"}
    except Exception as error:  # noqa: BLE001 a query that fails ends as FAILED, whatever it met
        why = reason(error, submitted.query, submitted.database)
        ended = {"State": "FAILED", "StateChangeReason": why, "AthenaError": athena_error(why)}
    if execution.get("_stopped"):
        ended = {"State": "CANCELLED", "StateChangeReason": "Query was cancelled by user"}
    took = round((time.monotonic() - begun) * 1000)
    execution["Statistics"] |= {
        "EngineExecutionTimeInMillis": took,
        "TotalExecutionTimeInMillis": took,
        "QueryQueueTimeInMillis": 0,
        "ServiceProcessingTimeInMillis": 0,
    }
    execution["Status"] |= ended | {"CompletionDateTime": time.time()}


def _answer(query_id: str, query: str, database: str, seen: athena_files.Snapshot) -> engine.Answer:
    try:
        with seen.tables() as tables:
            return engine.run(
                query, database, tables, seen.catalog, lambda made: _begin(query_id, made)
            )
    finally:
        _connections.pop(query_id, None)


def _begin(query_id: str, connection: duckdb.DuckDBPyConnection) -> None:
    """From here on the query can be stopped; it may have been already."""
    _connections[query_id] = connection
    if athena._executions[query_id].get("_stopped"):
        raise engine.QueryError("USER_CANCELED: Query was canceled")


def _keep(execution: dict[str, Any], answer: engine.Answer, cells: list[list[str | None]]) -> None:
    """Write the result's objects, and keep its rows for GetQueryResults."""
    header = execution["StatementType"] == "DML"
    body = results.csv(answer.columns, cells) if header else results.txt(cells)
    location = urlparse(execution["ResultConfiguration"]["OutputLocation"])
    key = location.path.removeprefix("/")
    _put(location.netloc, key, body)
    _put(location.netloc, f"{key}.metadata", results.metadata(answer.columns, answer.types))
    execution["_results"] = {"columns": answer.columns, "rows": cells}
    execution["_types"] = [tuple(of) for of in answer.types]
    execution["Statistics"]["DataScannedInBytes"] = answer.scanned_bytes


def _put(bucket: str, key: str, body: bytes) -> None:
    headers = {"content-type": "application/octet-stream", "content-length": str(len(body))}
    status, _, answer = s3._put_object(bucket, key, body, headers)
    if status >= 300:
        code = "NoSuchBucket" if b"NoSuchBucket" in answer else "Unknown"
        raise engine.QueryError(
            f"PERMISSION_DENIED: Unable to write to the output location s3://{bucket}/{key}: {code}"
        )


def _get_query_results(data: dict[str, Any]) -> Any:
    query_id = data.get("QueryExecutionId", "")
    execution = athena._executions.get(query_id)
    if execution is None:
        return _invalid(f"QueryExecution {query_id} was not found")
    state = execution["Status"]["State"]
    if state in ("QUEUED", "RUNNING"):
        return _invalid(f"Query has not yet finished. Current state: {state}")
    if state != "SUCCEEDED" or "_types" not in execution:
        return _invalid(f"Query did not finish successfully. Final query state: {state}")
    size, token = data.get("MaxResults", results.PAGE), data.get("NextToken") or "0"
    if not 1 <= size <= results.PAGE:
        return _invalid(f"MaxResults is more than maximum allowed length {results.PAGE}")
    if not token.isdigit():
        return _invalid("Invalid token provided")
    return json_response(_page(execution, int(token), size))


def _page(execution: dict[str, Any], start: int, size: int) -> dict[str, Any]:
    kept = execution["_results"]
    header = execution["StatementType"] == "DML"
    types = [ResultType(*of) for of in execution["_types"]]
    rows, following = results.page(
        kept["columns"], kept["rows"], header=header, start=start, size=size
    )
    metadata = {"ColumnInfo": results.column_info(kept["columns"], types)}
    answer: dict[str, Any] = {
        "ResultSet": {"Rows": rows, "ResultSetMetadata": metadata},
        "UpdateCount": 0,
    }
    return answer | ({} if following is None else {"NextToken": str(following)})


def _get_work_group(data: dict[str, Any]) -> Any:
    name = data.get("WorkGroup", "")
    workgroup = athena._workgroups.get(name)
    if workgroup is None:
        return _invalid(f"WorkGroup {name} is not found.")
    shown = {**workgroup, "Configuration": configuration(name, workgroup)}
    return json_response({"WorkGroup": shown})


def _stop_query_execution(data: dict[str, Any]) -> Any:
    query_id = data.get("QueryExecutionId", "")
    execution = athena._executions.get(query_id)
    if execution is None:
        return _invalid(f"QueryExecution {query_id} was not found")
    if execution["Status"]["State"] in ("QUEUED", "RUNNING"):
        execution["_stopped"] = True
        if connection := _connections.get(query_id):
            connection.interrupt()
    return _stop(data)
