"""Lambda's event sources of Kinesis: what a function reports as failed is delivered again.

As on AWS, a mapping with `ReportBatchItemFailures` goes back to the first record that the function
names, and to the first of the batch if its report is invalid. The emulator takes every answer for
success. It moves a mapping's position after each call, so the position goes back when its pass over
the mappings has ended, and before the position is noted (`retention`, which calls `poll`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ministack.services import lambda_svc

from sdpctl.local.batch_failures import first_failed

REPORT = "ReportBatchItemFailures"

REPLACED: dict[Callable[..., Any], list[str]] = {
    lambda_svc._execute_function: ["func", "event"],
    lambda_svc._poll_kinesis: [],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    lambda_svc: (
        "_ESM_BACKOFF_SECONDS",
        "_esm_backoff_until",
        "_iter_all_esms",
        "_kinesis_positions",
    ),
}
_poll = lambda_svc._poll_kinesis
_inner = lambda_svc._execute_function
_polling = threading.local()


@dataclass(frozen=True)
class Failure:
    """The last `records` of a batch are to be delivered again; in the mapping's account."""

    mapping: str
    shard: str
    records: int
    context: Context


def replace() -> None:
    """Put our function around the emulator's."""
    lambda_svc._execute_function = _execute


def poll() -> Any:
    """One pass of the emulator over the mappings, with what is to be delivered again."""
    _polling.failures = []
    try:
        processed = _poll()
    finally:
        failures, _polling.failures = _polling.failures, None
        for failure in failures:
            failure.context.run(_go_back, failure)
    return processed


def _execute(func: dict[str, Any], event: dict[str, Any]) -> Any:
    result = _inner(func, event)
    failures = getattr(_polling, "failures", None)
    if failures is not None and not result.get("error"):
        failures += _failures(func, event["Records"], result.get("body"))
    return result


def _failures(
    func: dict[str, Any], records: Sequence[dict[str, Any]], answer: Any
) -> list[Failure]:
    first = first_failed(answer, [r["kinesis"]["sequenceNumber"] for r in records])
    mapping = _mapping(func, records[0]["eventSourceARN"])
    if first is None or mapping is None or REPORT not in mapping.get("FunctionResponseTypes", []):
        return []
    shard = records[0]["eventID"].partition(":")[0]
    return [Failure(mapping["UUID"], shard, len(records) - first, copy_context())]


def _mapping(func: dict[str, Any], arn: str) -> dict[str, Any] | None:
    name = (func.get("config") or func)["FunctionName"]
    for *_, mapping in lambda_svc._iter_all_esms():
        if (mapping["FunctionName"], mapping["EventSourceArn"]) == (name, arn):
            return dict(mapping)
    return None


def _go_back(failure: Failure) -> None:
    lambda_svc._kinesis_positions[failure.mapping][failure.shard] -= failure.records
    pause = lambda_svc._ESM_BACKOFF_SECONDS
    lambda_svc._esm_backoff_until[failure.mapping] = time.time() + pause
