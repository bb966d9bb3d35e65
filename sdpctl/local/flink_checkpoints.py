"""Whether a job's checkpoints complete, from Flink's own REST interface."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sdpctl.local.flink_status import answer

_CAUSE = "Caused by: "


def problem(url: str) -> str:
    """Since when no checkpoint of the job completes, and why; empty while they do.

    On a full disk the job restarts again and again, and goes on by itself once there is space.
    """
    for job in _get(f"{url}/jobs/overview").get("jobs", []):
        path = f"{url}/jobs/{job['jid']}"
        latest = _get(f"{path}/checkpoints").get("latest") or {}
        completed, failed = latest.get("completed") or {}, latest.get("failed") or {}
        if failed.get("id", 0) > completed.get("id", 0):
            since = completed.get("latest_ack_timestamp", job["start-time"])
            cause = _cause(_get(f"{path}/exceptions?maxExceptions=1")) or failed["failure_message"]
            return f"no checkpoint since {_time(since)}: {cause}"
    return ""


def _cause(found: Mapping[str, Any]) -> str:
    """The root cause of the newest exception."""
    entries = (found.get("exceptionHistory") or {}).get("entries") or [{}]
    lines = entries[0].get("stacktrace", "").splitlines()
    causes = [line.removeprefix(_CAUSE) for line in lines if line.startswith(_CAUSE)]
    return next(iter([*reversed(causes), *lines]), "")


def _get(url: str) -> dict[str, Any]:
    found = answer(url)
    return found if isinstance(found, dict) else {}


def _time(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="seconds")
