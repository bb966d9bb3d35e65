"""What Flink's own REST interface and the worker say about the jobs."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from sdpctl.local.processes import Service
from sdpctl.settings import Settings

_NO_WATERMARK = -(2**62)


def service(settings: Settings, application: str) -> Service:
    """The process of an application's job; its `log` is what the program prints."""
    return Service(f"flink-{application}", settings, ".out")


def own_log(settings: Settings, application: str) -> Path:
    """Flink's own log: of the job manager and the task managers."""
    return settings.logs / f"flink-{application}.log"


def jobs(settings: Settings) -> list[dict[str, Any]]:
    """Flink's overview of the jobs; empty if Flink does not answer."""
    return list(_get(settings, "/jobs/overview").get("jobs", []))


def running(settings: Settings) -> bool:
    """Whether there is a job and all of its tasks run."""
    return any(
        job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"]
        for job in jobs(settings)
    )


def restarts(settings: Settings) -> int:
    """How often Flink itself has restarted the jobs that it runs now."""
    paths = [f"/jobs/{job['jid']}/metrics?get=numRestarts" for job in jobs(settings)]
    return sum(int(metric["value"]) for path in paths for metric in _list(settings, path))


def watermark(settings: Settings) -> int | None:
    """The least watermark that has reached every task, in epoch milliseconds."""
    values: list[int] = []
    for job in jobs(settings):
        for vertex in _get(settings, f"/jobs/{job['jid']}").get("vertices", []):
            path = f"/jobs/{job['jid']}/vertices/{vertex['id']}/watermarks"
            values += [int(w["value"]) for w in _list(settings, path)]
    known = [w for w in values if w > _NO_WATERMARK]
    return min(known) if known else None


def states(settings: Settings) -> list[dict[str, Any]]:
    """What the worker noted about each application, with its `name`."""
    jobs = []
    for path in sorted((settings.home / "flink").glob("*/state.json")):
        with suppress(OSError, ValueError):
            jobs.append({"name": path.parent.name, **json.loads(path.read_text())})
    return jobs


def versions(settings: Settings) -> dict[str, int]:
    """The version of each application whose job the worker has started."""
    versions = {
        s["name"]: s.get("version") for s in states(settings) if s.get("state") == "running"
    }
    return {name: version for name, version in versions.items() if version is not None}


def _get(settings: Settings, path: str) -> dict[str, Any]:
    answer = _json(settings, path)
    return answer if isinstance(answer, dict) else {}


def _list(settings: Settings, path: str) -> list[dict[str, Any]]:
    answer = _json(settings, path)
    return answer if isinstance(answer, list) else []


def _json(settings: Settings, path: str) -> Any:
    try:
        return httpx.get(f"http://127.0.0.1:{settings.flink_port}{path}", timeout=5).json()
    except (httpx.HTTPError, ValueError):
        return None
