"""What `./sdp status` says of checkpoints, from answers that Flink 2.3 gave on a full disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sdpctl.local import flink_status
from sdpctl.local.flink_checkpoints import problem
from sdpctl.local.status import job
from sdpctl.settings import Settings

JOB = "1cd8542d05cab5ec5207c284721df8e1"
OVERVIEW = {
    "jid": JOB,
    "state": "RESTARTING",
    "start-time": 1795681650675,
    "tasks": {"total": 2, "running": 0},
}
COMPLETED = {"id": 1367, "latest_ack_timestamp": 1795683049000}
FAILED = {"id": 1368, "failure_message": "FailoverRegion is restarting."}
TRACE = """java.lang.Exception: Exception while creating StreamOperatorStateContext.
\tat org.apache.flink.streaming.api.operators.StreamTaskStateInitializerImpl.create(X.java:1)
Caused by: org.apache.flink.util.FlinkException: Could not restore keyed state backend
\t... 11 more
Caused by: java.io.IOException: No space left on device
\tat java.base/sun.nio.ch.FileDispatcherImpl.write0(Native Method)
"""
Serve = Callable[[dict[str, Any]], str]


@pytest.fixture
def flink() -> Iterator[Serve]:
    """Starts Flink's REST interface with these latest checkpoints; its URL."""
    servers: list[ThreadingHTTPServer] = []

    def serve(latest: dict[str, Any]) -> str:
        history = {"entries": [{"stacktrace": TRACE}], "truncated": True}
        answers = {
            "/jobs/overview": {"jobs": [OVERVIEW]},
            f"/jobs/{JOB}/checkpoints": {"latest": latest},
            f"/jobs/{JOB}/exceptions?maxExceptions=1": {"exceptionHistory": history},
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answers.get(self.path, {})).encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=servers[0].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[0].server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_while_checkpoints_fail_it_says_since_when_and_why(flink: Serve) -> None:
    url = flink({"completed": COMPLETED, "failed": FAILED})
    cause = "java.io.IOException: No space left on device"
    assert problem(url) == f"no checkpoint since 2026-11-26T08:50:49+00:00: {cause}"


def test_a_job_without_any_checkpoint_has_none_since_its_start(flink: Serve) -> None:
    url = flink({"completed": None, "failed": FAILED})
    assert problem(url).startswith("no checkpoint since 2026-11-26T08:27:30+00:00: ")


def test_the_job_of_the_status_has_it_among_its_details(flink: Serve, tmp_path: Path) -> None:
    url = flink({"completed": COMPLETED, "failed": FAILED})
    settings = Settings.load({"SDP_HOME": str(tmp_path)})
    path = tmp_path / "flink" / "sdp-shop" / "state.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"state": "running", "port": int(url.rpartition(":")[2])}))
    (state,) = flink_status.states(settings)
    found = job(settings, state, datetime.now(UTC))
    assert "0 restarts" in found.detail
    assert found.detail.endswith("java.io.IOException: No space left on device")


@pytest.mark.parametrize("failed", [None, FAILED | {"id": 1366}])
def test_nothing_is_said_once_one_has_completed(flink: Serve, failed: Any) -> None:
    assert problem(flink({"completed": COMPLETED, "failed": failed})) == ""


def test_nothing_is_said_of_a_job_that_does_not_answer() -> None:
    assert problem("http://127.0.0.1:9") == ""
