"""A command speaks to the platform of its own folder, on the ports that was started with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sdpctl import deployment, outputs
from sdpctl.errors import CommandError
from sdpctl.local import platform
from sdpctl.local.processes import Service
from sdpctl.local.status import components
from sdpctl.settings import PORTS, Settings
from tests.unit.sdpctl.ports import free_port


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
