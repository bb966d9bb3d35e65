"""A command speaks to the platform of its own folder, on the ports that was started with."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sdpctl import deployment
from sdpctl.errors import CommandError
from sdpctl.local import aws, deploy, emulator, outputs, platform, revision
from sdpctl.local.applications import applications
from sdpctl.local.processes import Service, free_port
from sdpctl.local.status import components
from sdpctl.settings import PORTS, Settings
from tests.local.driver import wait_until


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    return {"SDP_HOME": str(tmp_path), **{name: str(free_port()) for name in PORTS}}


@pytest.fixture
def running(places: dict[str, str]) -> Iterator[Settings]:
    """A platform of which nothing but the emulator's process is there."""
    settings = Settings.load(places)
    settings.remember_ports()
    process = Service("emulator", settings).start(["sleep", "60"], os.environ)
    yield settings
    Service("emulator", settings).kill()
    process.wait()


def test_nothing_is_stopped_where_the_disk_is_too_full_to_save_it(
    running: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "free_bytes", lambda folder: 1)
    with pytest.raises(CommandError, match=r"has 0 MB free, and the emulator needs up to \d+ MB"):
        platform.down(running, platform.Steps())
    assert Service("emulator", running).process()
    monkeypatch.undo()
    platform.down(running, platform.Steps())
    assert not Service("emulator", running).process()


def test_a_process_that_ends_while_it_is_waited_for_is_stopped(
    running: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some kernels answer 'no such file' instead of 'no such process' then."""
    opened = os.pidfd_open

    def gone(pid: int, flags: int = 0) -> int:
        if pid == os.getpid():
            return opened(pid, flags)
        with suppress(ChildProcessError):  # it is waited for twice
            os.waitpid(pid, 0)
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(os, "pidfd_open", gone)
    assert Service("emulator", running).stop()
    assert not Service("emulator", running).process()


STARTS = """
import os, subprocess, sys
from sdpctl.local.processes import Service
from sdpctl.settings import Settings
held = bytearray(int(sys.argv[2]) * 2**20)
if sys.argv[1:2] == ["outer"]:
    program = [sys.executable, __file__, "inner", "300"]
    Service("inner", Settings.load()).start(program, os.environ)
    subprocess.Popen([sys.executable, __file__, "child", "100"])
print("ready", flush=True)
sys.stdin.close()
import time; time.sleep(60)
"""


def test_the_memory_of_a_service_is_without_that_of_the_services_that_it_started(
    running: Settings, places: dict[str, str], tmp_path: Path
) -> None:
    """The workers start the jobs of Flink: each has a line of its own."""
    program = tmp_path / "program.py"
    program.write_text(STARTS)
    outer, inner = Service("outer", running), Service("inner", running)
    environment = {**os.environ, **places, "PYTHONPATH": str(running.root)}
    process = outer.start([sys.executable, program, "outer", "10"], environment)
    try:
        wait_until(
            lambda: outer.log.exists() and outer.log.read_text().count("ready") == 2, 60, str
        )
        wait_until(lambda: inner.log.exists() and "ready" in inner.log.read_text(), 60, str)
        assert (inner.resident() or 0) > 300 * 2**20
        assert 110 * 2**20 < (outer.resident() or 0) < 300 * 2**20
    finally:
        inner.kill()
        outer.kill()
        process.wait()


@pytest.fixture
def overloaded(running: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The emulator's process is there, takes connections and answers none."""
    monkeypatch.setattr(emulator, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(aws, "READ_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", running.emulator_port)):
        yield running


def test_overload_is_not_taken_for_absence(overloaded: Settings) -> None:
    for command in (
        lambda: outputs.read(overloaded),
        lambda: deploy.stack_states(overloaded),
        lambda: applications(overloaded),
    ):
        with pytest.raises(CommandError, match=r"is overloaded: no response within") as said:
            command()
        assert "make up" not in str(said.value)


def test_the_status_says_that_the_emulator_is_overloaded(overloaded: Settings) -> None:
    found = {c.name: c for c in components(overloaded, datetime.now(UTC))}
    assert not found["emulator"].running
    assert found["emulator"].detail.endswith("overloaded: no response within 0.5 s")
    assert found["stacks"].detail.startswith("unknown: the emulator: overloaded")


def test_an_emulator_that_takes_no_connection_yet_is_not_overloaded(running: Settings) -> None:
    with pytest.raises(CommandError, match=r"cannot connect to .*: it is starting"):
        outputs.read(running)


def test_ports_that_are_not_told_are_those_of_the_start(running: Settings) -> None:
    found = Settings.load({"SDP_HOME": str(running.home)})
    assert found.ports == running.ports


def test_after_the_end_ports_are_the_usual_ones(running: Settings) -> None:
    platform.down(running, platform.Steps())
    assert Settings.load({"SDP_HOME": str(running.home)}).ports == PORTS


@pytest.mark.parametrize("variable", PORTS)
def test_another_port_than_that_of_the_running_platform_is_refused(
    running: Settings, places: dict[str, str], variable: str
) -> None:
    elsewhere = Settings.load({**places, variable: str(free_port())})
    said = rf"^{variable}=\d+, but the platform runs with {variable}={places[variable]}: unset it"
    for command in (
        lambda: platform.up(elsewhere, {}, platform.Steps()),
        lambda: outputs.read(elsewhere),
        lambda: components(elsewhere, datetime.now(UTC)),
    ):
        with pytest.raises(CommandError, match=said):
            command()


def test_a_broker_whose_port_is_taken_is_refused_before_anything_is_started(
    places: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = tmp_path / "assembly" / "stage"
    rendered.mkdir(parents=True)
    (rendered / "s.template.json").write_text(
        '{"Resources": {"R": {"Type": "AWS::IoT::TopicRule"}}}'
    )
    monkeypatch.setattr(deploy, "synth", lambda settings, parameters: rendered.parent)
    settings, steps = Settings.load(places), list[str]()
    monkeypatch.setattr(platform.Steps, "__call__", _noting(steps))
    with (
        socket.create_server(("127.0.0.1", settings.mqtt_port)),
        pytest.raises(CommandError, match=r"port \d+ is in use by .*with SDP_MQTT_PORT="),
    ):
        platform.up(settings, {}, platform.Steps())
    assert steps == ["Templates"]


def _noting(steps: list[str]) -> Callable[..., Any]:
    def step(_: platform.Steps, title: str, work: Callable[[], Any]) -> Any:
        steps.append(title)
        return work()

    return step


def test_two_equal_ports_are_refused(places: dict[str, str]) -> None:
    same = places["SDP_FLINK_PORT"]
    with pytest.raises(CommandError, match=f"SDP_FLINK_PORT are both {same}: each needs its own"):
        Settings.load({**places, "SDP_EMULATOR_PORT": same})


def test_an_emulator_of_another_folder_is_not_taken_for_ours(
    places: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = HTTPServer(("127.0.0.1", int(places["SDP_EMULATOR_PORT"])), _Healthy)
    Thread(target=server.serve_forever, daemon=True).start()
    for name, value in places.items():
        monkeypatch.setenv(name, value)
    with server:
        for command in (outputs.read, lambda: deployment.client("athena", None)):
            with pytest.raises(CommandError, match="the platform does not run: run 'make up'"):
                command()
        assert not any(c.running for c in components(Settings.load(), datetime.now(UTC)))
        server.shutdown()


def test_processes_of_other_sources_are_found_so_that_up_starts_them_again(
    running: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert revision.is_outdated(running), "started by a version that kept no note of its sources"
    revision.remember(running)
    assert not revision.is_outdated(running)
    monkeypatch.setattr(revision, "fingerprint", lambda settings: "of newer sources")
    assert revision.is_outdated(running)
    Service("emulator", running).kill()
    assert not revision.is_outdated(running), "nothing runs"
