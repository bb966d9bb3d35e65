"""Faults on demand, as networks and services have them; tests ask for them.

The file `faults.json` beside the state has a list of faults: `service`, `action` (empty: each that
writes), `kind`, `seconds`, and how many requests (`count`) meet with it; only those whose body has
the text `names`, if there is one. Without the file nothing happens. Each fault that has happened is
a line of the log.

`refuse`: answered with 500 (S3: 503), and nothing is done. `lose`: done, and answered like that.
`delay`: done after some seconds. `late`: done at once, and answered after some seconds. Of
PutRecords, `part`: every other record fails; `twice`: all are stored twice; `reverse`: they are
stored in the reverse order.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import s3

from sdpctl.local.launcher import durable

READS = durable.READS
PARTS = ("part", "twice", "reverse")
THROTTLED = "ProvisionedThroughputExceededException"

REPLACED: dict[Callable[..., Any], list[str]] = {}
USED: dict[ModuleType, tuple[str, ...]] = {app: ("detect_service",), s3: ("_error",)}
_dispatch: Callable[..., Any]
_path = Path(persistence.STATE_DIR) / "faults.json"
_read: float = 0.0  # when the file that was read had been written
_due: list[dict[str, Any]] = []
log = logging.getLogger("faults")


def replace() -> None:
    """Put our function around what answers, also around what keeps it (`durable`)."""
    global _dispatch
    _dispatch = app._dispatch_service_request
    app._dispatch_service_request = _answer


async def _answer(
    method: str, path: str, headers: Any, body: bytes, query_params: Any, request_id: str
) -> Any:
    async def go_on(sent: bytes) -> Any:
        return await _dispatch(method, path, headers, sent, query_params, request_id)

    fault = _fault(method, path, headers, body, query_params)
    if fault is None:
        return await go_on(body)
    log.warning("fault %(number)s: %(kind)s %(service)s", fault)
    if fault["kind"] in PARTS:
        return await _PARTLY[fault["kind"]](go_on, body)
    if fault["kind"] == "delay":
        await asyncio.sleep(fault["seconds"])
        return await go_on(body)
    if fault["kind"] == "late":
        answer = await go_on(body)
        await asyncio.sleep(fault["seconds"])
        return answer
    if fault["kind"] == "lose":
        await go_on(body)
    return _failure(fault["service"], path)


def _fault(
    method: str, path: str, headers: Any, body: bytes, query_params: Any
) -> dict[str, Any] | None:
    """The fault that this request meets with, if any."""
    _look()
    if not _due:
        return None
    service = app.detect_service(method, path, headers, query_params)
    action = str(headers.get("x-amz-target", "")).rpartition(".")[2]
    for fault in _due:
        named = fault.get("names", "").encode() in body
        if named and fault["service"] == service and _meant(fault, action, method):
            fault["count"] -= 1
            if not fault["count"]:
                _due.remove(fault)
            return fault
    return None


def _meant(fault: dict[str, Any], action: str, method: str) -> bool:
    if fault["kind"] in PARTS:
        return action == "PutRecords"
    if fault["action"]:
        return bool(fault["action"] == action)
    return not action.startswith(READS) if action else method in ("PUT", "POST")


def _look() -> None:
    """Read the file if it has been written since."""
    global _read
    try:
        written = _path.stat().st_mtime
    except OSError:
        _due.clear()
        return
    if written != _read:
        _read = written
        with suppress(OSError, ValueError):
            _due[:] = json.loads(_path.read_text())


def _failure(service: str, path: str) -> Any:
    if service == "s3":
        return s3._error("ServiceUnavailable", "a fault", 503, path)
    kind = {"Content-Type": "application/x-amz-json-1.0"}
    return 500, kind, b'{"__type":"InternalServerError","message":"a fault"}'


async def _part(go_on: Callable[[bytes], Any], body: bytes) -> Any:
    """Every other record, from the first on, fails."""
    data = json.loads(body)
    sent = data["Records"][1::2]
    status, headers, answer = 200, {"Content-Type": "application/x-amz-json-1.1"}, b"{}"
    if sent:
        status, headers, answer = await go_on(json.dumps({**data, "Records": sent}).encode())
        if status != 200:
            return status, headers, answer
    stored = iter(json.loads(answer).get("Records", []))
    error = {"ErrorCode": THROTTLED, "ErrorMessage": "a fault"}
    results = [error if n % 2 == 0 else next(stored) for n in range(len(data["Records"]))]
    count = sum("ErrorCode" in result for result in results)
    return status, headers, json.dumps({"FailedRecordCount": count, "Records": results}).encode()


async def _twice(go_on: Callable[[bytes], Any], body: bytes) -> Any:
    await go_on(body)
    return await go_on(body)


async def _reverse(go_on: Callable[[bytes], Any], body: bytes) -> Any:
    data = json.loads(body)
    backwards = json.dumps({**data, "Records": data["Records"][::-1]}).encode()
    status, headers, answer = await go_on(backwards)
    if status != 200:
        return status, headers, answer
    found = json.loads(answer)
    return status, headers, json.dumps({**found, "Records": found["Records"][::-1]}).encode()


_PARTLY = {"part": _part, "twice": _twice, "reverse": _reverse}
