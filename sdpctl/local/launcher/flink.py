"""Managed Flink: the history of an application's operations, which the emulator lacks.

The emulator never fails a start or an update, so each entry is a success; a job that keeps
restarting shows in the metrics that the local worker reports.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services import kinesisanalyticsv2 as flink

REPLACED: dict[Callable[..., Any], list[str]] = {
    flink._restart_for_update: ["record", "previous_version"],
    flink._start_application: ["data"],
}
USED: dict[ModuleType, tuple[str, ...]] = {flink: ("_HANDLERS", "_get", "_not_found", "_error")}
KEPT = 50  # operations of an application
_restart = flink._restart_for_update
_start = flink._start_application
_operations: dict[str, list[dict[str, Any]]] = {}


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    flink._restart_for_update = _restart_for_update
    flink._HANDLERS |= {
        "StartApplication": _start_application,
        "ListApplicationOperations": _list,
        "DescribeApplicationOperation": _describe,
    }


def _start_application(data: dict[str, Any]) -> Any:
    answer = _start(data)
    status, _, body = answer
    if status == 200:
        _remember(data["ApplicationName"], "StartApplication", json.loads(body)["OperationId"])
    return answer


def _restart_for_update(record: dict[str, Any], previous_version: int) -> None:
    _restart(record, previous_version)
    _remember(record["ApplicationName"], "UpdateApplication", flink._new_token())


def _remember(name: str, operation: str, operation_id: str) -> None:
    now = time.time()
    entry = {"Operation": operation, "OperationId": operation_id, "OperationStatus": "SUCCESSFUL"}
    _operations.setdefault(name, []).insert(0, {**entry, "StartTime": now, "EndTime": now})
    del _operations[name][KEPT:]


def _list(data: dict[str, Any]) -> Any:
    name = data.get("ApplicationName")
    if flink._get(name) is None:
        return flink._not_found(name)
    operations = _operations.get(str(name), [])[: data.get("Limit", KEPT)]
    return flink.json_response({"ApplicationOperationInfoList": operations})


def _describe(data: dict[str, Any]) -> Any:
    operation = data.get("OperationId")
    operations = _operations.get(str(data.get("ApplicationName")), [])
    for entry in (o for o in operations if o["OperationId"] == operation):
        details = {key: value for key, value in entry.items() if key != "OperationId"}
        return flink.json_response({"ApplicationOperationInfoDetails": details})
    return flink._error("ResourceNotFoundException", f"Operation '{operation}' does not exist.")
