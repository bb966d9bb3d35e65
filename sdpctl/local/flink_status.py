"""What Flink's own REST interface and the worker say about the jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from sdpctl import web
from sdpctl.local.processes import Service
from sdpctl.settings import Settings

_NO_WATERMARK = -(2**62)


def service(settings: Settings, application: str) -> Service:
    """The process of an application's job; its `log` is what the program prints."""
    return Service(f"flink-{application}", settings, ".out")


def own_log(settings: Settings, application: str) -> Path:
    """Flink's own log: of the job manager and the task managers."""
    return settings.logs / f"flink-{application}.log"


def port(settings: Settings, application: str) -> int:
    """Where the job's page and REST API are; SDP_FLINK_PORT if it has not been started yet."""
    ports = {s["name"]: s.get("port") for s in states(settings)}
    return ports.get(application) or settings.flink_port


def url(settings: Settings, application: str) -> str:
    """The job's page."""
    return f"http://127.0.0.1:{port(settings, application)}"


def names(settings: Settings) -> list[str]:
    """The applications that the worker follows."""
    return [state["name"] for state in states(settings)]


def jobs(settings: Settings, application: str | None = None) -> list[dict[str, Any]]:
    """Flink's overview of an application's jobs, or of all; empty if Flink does not answer."""
    chosen = names(settings) if application is None else [application]
    overviews = [_get(settings, name, "/jobs/overview") for name in chosen]
    return [job for overview in overviews for job in overview.get("jobs", [])]


def running(settings: Settings, application: str | None = None) -> bool:
    """Whether the application, or each that the worker follows, has a job whose tasks all run."""
    chosen = names(settings) if application is None else [application]
    return bool(chosen) and all(_runs(jobs(settings, name)) for name in chosen)


def _runs(jobs: list[dict[str, Any]]) -> bool:
    return any(
        job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"]
        for job in jobs
    )


def restarts(settings: Settings, application: str) -> int:
    """How often Flink itself has restarted the jobs of the application that it runs now."""
    paths = [f"/jobs/{job['jid']}/metrics?get=numRestarts" for job in jobs(settings, application)]
    metrics = [metric for path in paths for metric in _list(settings, application, path)]
    return sum(int(metric["value"]) for metric in metrics)


def greatest(
    settings: Settings, application: str, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, float]]:
    """The metrics of the application's operators with a wanted name: of all subtasks, the greatest.

    A name is that of the operator, then a point, then that of the metric.
    """
    for job in jobs(settings, application):
        details = _get(settings, application, f"/jobs/{job['jid']}")
        for vertex in details.get("vertices", []):
            path = f"/jobs/{job['jid']}/vertices/{vertex['id']}/subtasks/metrics"
            names = [m["id"] for m in _list(settings, application, path) if wanted(m["id"])]
            query = f"?get={quote(','.join(names))}&agg=max"
            for metric in _list(settings, application, path + query) if names else ():
                yield metric["id"], float(metric["max"])


def watermark(settings: Settings, application: str) -> int | None:
    """The least watermark that has reached every task, in epoch milliseconds."""
    values: list[int] = []
    for job in jobs(settings, application):
        details = _get(settings, application, f"/jobs/{job['jid']}")
        for vertex in details.get("vertices", []):
            path = f"/jobs/{job['jid']}/vertices/{vertex['id']}/watermarks"
            values += [int(w["value"]) for w in _list(settings, application, path)]
    known = [w for w in values if w > _NO_WATERMARK]
    return min(known) if known else None


def states(settings: Settings) -> list[dict[str, Any]]:
    """What the worker noted about each application, with its `name`; not of removed ones."""
    states = []
    for path in sorted((settings.home / "flink").glob("*/state.json")):
        with suppress(OSError, ValueError):
            states.append({"name": path.parent.name, **json.loads(path.read_text())})
    return [state for state in states if state.get("state") != "removed"]


def versions(settings: Settings) -> dict[str, int]:
    """The version of each application whose job the worker has started."""
    versions = {
        s["name"]: s.get("version") for s in states(settings) if s.get("state") == "running"
    }
    return {name: version for name, version in versions.items() if version is not None}


def _get(settings: Settings, application: str, path: str) -> dict[str, Any]:
    found = _json(settings, application, path)
    return found if isinstance(found, dict) else {}


def _list(settings: Settings, application: str, path: str) -> list[dict[str, Any]]:
    found = _json(settings, application, path)
    return found if isinstance(found, list) else []


def _json(settings: Settings, application: str, path: str) -> Any:
    return answer(f"{url(settings, application)}{path}")


def answer(address: str) -> Any:
    """Flink's answer at an address of its REST interface; None if it does not answer."""
    try:
        return web.client().get(address, timeout=5).json()
    except (httpx.HTTPError, ValueError):
        return None
