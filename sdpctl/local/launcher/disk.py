"""A full disk: what cannot be saved is not accepted.

The emulator has its state in memory and saves it when it ends. While the disk has less space than
that may need, S3 answers writes with 503 and Kinesis refuses records, as services do that are out
of capacity; reads and deletions go on. An object that could not be written is no success either:
the emulator answers 200, has it in memory, and loses it at its end.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services import s3

EVERY = 1.0  # seconds between two looks at the disk
_KILOBYTE = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss

_request = ["method", "path", "headers", "body", "query_params", "signed_path"]
_request += ["enforce_bucket_region", "internal", "access_point_region", "access_point"]
REPLACED: dict[Callable[..., Any], list[str]] = {
    s3.handle_request: _request,
    s3._persist_object: ["bucket", "key", "obj"],
}
USED: dict[ModuleType, tuple[str, ...]] = {s3: ("_error",)}
_handle = s3.handle_request
_persist = s3._persist_object
_looked_at, _found = -EVERY, ""


class NotWritten(Exception):
    """An object is not on the disk."""


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    s3.handle_request = _handle_request
    s3._persist_object = _persist_object


def shortage() -> str:
    """Why nothing more is accepted; empty while there is space."""
    global _looked_at, _found
    if time.monotonic() >= _looked_at + EVERY:
        _looked_at = time.monotonic()
        free = shutil.disk_usage(os.environ.get("STATE_DIR", ".")).free
        needed = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTE
        _found = (
            f"the disk of the emulator is full: {free / 1e6:,.0f} MB are free, and to save its "
            f"data it needs up to {needed / 1e6:,.0f} MB"
            if free < needed
            else ""
        )
    return _found


async def _handle_request(
    method: str, path: str, headers: Any, body: bytes, query_params: Any, *args: Any, **more: Any
) -> Any:
    writes = method == "PUT" or (method == "POST" and "delete" not in query_params)
    if writes and (problem := shortage()):
        return s3._error("ServiceUnavailable", problem, 503, path)
    try:
        return await _handle(method, path, headers, body, query_params, *args, **more)
    except NotWritten as error:
        return s3._error("ServiceUnavailable", f"not written to the disk: {error}", 503, path)


def _persist_object(bucket: str, key: str, obj: Any) -> None:
    """Written, or NotWritten: the emulator gives up the body that it has written."""
    _persist(bucket, key, obj)
    if isinstance(obj, dict) and obj.get("body") is not None:
        raise NotWritten(f"{bucket}/{key}")
