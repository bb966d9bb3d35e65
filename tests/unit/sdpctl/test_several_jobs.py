"""Several Flink applications on one machine: a port, memory and a line of the status for each."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sdpctl.local import flink_config, flink_ports, flink_status, status
from sdpctl.local.applications import Application
from sdpctl.local.flink_worker import FlinkWorker
from sdpctl.local.processes import free_port
from sdpctl.settings import Settings

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
Note = Callable[..., None]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """SDP_FLINK_PORT is free, and the next number is SageMaker's."""
    first = free_port()
    ports = {"SDP_FLINK_PORT": str(first), "SDP_SAGEMAKER_PORT": str(first + 1)}
    return Settings.load({"SDP_HOME": str(tmp_path), **ports})


@pytest.fixture
def note(settings: Settings) -> Note:
    """Writes the state of an application, as its worker does."""

    def write(name: str, **facts: Any) -> None:
        folder = settings.home / "flink" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state.json").write_text(json.dumps(facts))

    return write


def test_the_first_job_has_the_port_that_was_chosen_and_others_the_next_free_ones(
    settings: Settings, note: Note
) -> None:
    first = settings.flink_port
    assert flink_ports.choose(settings, "a") == first
    note("a", state="running", port=first)
    second = flink_ports.choose(settings, "b")
    assert second > first + 1, "the next number is SageMaker's"
    note("b", state="running", port=second)
    assert flink_ports.choose(settings, "c") > second
    assert flink_ports.choose(settings, "b") == second, "it keeps its port"


def test_a_port_of_another_program_is_passed_over(settings: Settings, note: Note) -> None:
    note("a", state="running", port=settings.flink_port)
    first = flink_ports.choose(settings, "b")
    with socket.create_server(("127.0.0.1", first)):
        assert flink_ports.choose(settings, "b") > first


def test_a_job_that_waits_for_the_chosen_port_leaves_the_next_ones_to_others(
    settings: Settings, note: Note
) -> None:
    with socket.create_server(("127.0.0.1", settings.flink_port)):
        FlinkWorker(settings, "a").follow(_application("a"))
        (state,) = flink_status.states(settings)
        assert state["state"] == "waiting"
        assert f"port {settings.flink_port} is in use" in state["error"]
        assert flink_ports.choose(settings, "b") > settings.flink_port


@pytest.mark.parametrize("state", ["stopped", "removed"])
def test_the_port_of_a_job_that_ended_is_free_for_the_next_one(
    settings: Settings, note: Note, state: str
) -> None:
    note("a", state=state, port=settings.flink_port)
    note("b", state="restarting", port=settings.flink_port + 5)
    assert flink_ports.choose(settings, "b") == settings.flink_port


def _application(name: str, created: str = "") -> Application:
    return Application(name, 1, True, "bucket", "key", 1, (), created)


def test_a_removed_application_is_not_in_the_status_and_a_stopped_one_is(
    settings: Settings,
) -> None:
    worker = FlinkWorker(settings, "a")
    worker.follow(Application("a", 1, False, "bucket", "key", 1, ()))
    assert [s["state"] for s in flink_status.states(settings)] == ["stopped"]
    worker.follow(None)
    assert flink_status.states(settings) == []


def test_an_application_created_again_has_no_state_of_the_deleted_one(settings: Settings) -> None:
    """Its snapshots are deleted with it."""
    worker = FlinkWorker(settings, "a")
    checkpoint = worker.home / "checkpoints" / "job" / "chk-1"
    checkpoint.mkdir(parents=True)
    worker._forget_deleted(_application("a", "monday"))
    worker._forget_deleted(_application("a", "monday"))
    assert checkpoint.exists()
    worker._forget_deleted(_application("a", "tuesday"))
    assert not checkpoint.exists()


def test_several_jobs_share_what_one_job_would_have() -> None:
    memory = [flink_config.memory(jobs) for jobs in (1, 2, 3, 4)]
    totals = [m.heap + m.managed for m in memory]
    assert totals[0] > totals[1] > totals[2] == totals[3]
    assert memory[0] == flink_config.ALONE


class Flink(BaseHTTPRequestHandler):
    """Flink's REST interface with one job, whose tasks run or not."""

    def do_GET(self) -> None:
        job = {"jid": "j", "state": "RUNNING", "tasks": {"running": self.running, "total": 2}}
        paths: dict[str, Any] = {
            "/jobs/overview": {"jobs": [job]},
            "/jobs/j/metrics?get=numRestarts": [{"id": "numRestarts", "value": str(self.running)}],
        }
        body = json.dumps(paths.get(self.path, {})).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    @property
    def running(self) -> int:
        return int(self.server.running)  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def jobs(note: Note) -> Iterator[dict[str, int]]:
    """Two applications, of which the job of `b` has only one of two tasks running."""
    servers = {}
    for name, running in (("a", 2), ("b", 1)):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Flink)
        server.running = running  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers[name] = server
        port = server.server_address[1]
        note(name, state="running", port=port, use_cases=[f"{name}1", f"{name}2"], restarts=running)
    yield {name: server.server_address[1] for name, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


def test_each_application_has_a_line_with_its_own_job(
    settings: Settings, jobs: dict[str, int]
) -> None:
    one, other = (status.job(settings, s, NOW) for s in flink_status.states(settings))
    assert (one.name, one.running) == ("flink-a", True)
    assert (other.name, other.running) == ("flink-b", False)
    assert one.detail == f"http://127.0.0.1:{jobs['a']}, a1+a2, 2 restarts"
    assert other.detail == f"http://127.0.0.1:{jobs['b']}, b1+b2, 1 restarts"
    assert one.log.endswith("flink-a.log")


def test_restarts_are_those_of_the_applications_own_job(
    settings: Settings, jobs: dict[str, int]
) -> None:
    assert flink_status.restarts(settings, "a") == 2
    assert flink_status.restarts(settings, "b") == 1
    assert flink_status.running(settings, "a")
    assert not flink_status.running(settings), "all of them, if none is named"


class Silent(Flink):
    """Accepts connections and does not answer before the test ends."""

    def do_GET(self) -> None:
        self.server.ended.wait()  # type: ignore[attr-defined]


@pytest.fixture
def silent(note: Note) -> Iterator[None]:
    """An application whose Flink does not answer, as when it has no CPU."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    server.ended = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    note("silent", state="running", port=server.server_address[1])
    yield
    server.ended.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("jobs", "silent")
def test_a_job_that_does_not_answer_is_unknown_and_all_else_is_shown(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "ANSWER_SECONDS", 1.0)
    found = {c.name: c for c in status.components(settings, NOW)}
    assert found["flink-silent"].detail == "unknown: no answer within 1 s"
    assert not found["flink-silent"].running
    names = ["emulator", "stacks", "workers", "sagemaker", "flink-a", "flink-b", "flink-silent"]
    assert list(found) == [*names, "delivery"]
