"""The receiver of the demo: `./sdp receiver` as a process of its own, until `make down`.

Before the deployment, `python -m sdpctl.demo_receiver USE_CASES PARAMETERS` prints the parameters
with the receiver's address added, unless they name a webhook already.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

import usecases
from sdpctl import demo_chain
from sdpctl.errors import CommandError
from sdpctl.local import platform
from sdpctl.settings import Settings

PORT = 8765  # as that of ./sdp receiver
PARAMETER = "ActionWebhook"


@dataclass(frozen=True)
class DemoReceiver:
    """Where it listens, and the log that has a JSON object for each webhook."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        """Its address, as the deployment has it."""
        return url(self.port)

    def received(self, id_: str) -> Mapping[str, Any] | None:
        """The webhook with the action of this id, if it has arrived.

        Raises CommandError if its signature was wrong.
        """
        for arrival in self._arrivals():
            if arrival["refused"]:
                raise CommandError(f"the receiver refused webhook {arrival['id']}: {self.log}")
            if arrival["action"].get("id") == id_:
                return arrival
        return None

    def _arrivals(self) -> Iterator[dict[str, Any]]:
        for line in self.log.read_bytes().splitlines():
            if line.startswith(b"{"):
                yield orjson.loads(line)


def url(port: int) -> str:
    """The receiver's address."""
    return f"http://127.0.0.1:{port}/"


def started(settings: Settings, use_case: str) -> DemoReceiver | None:
    """Start it with the key of the deployment; None if that has another webhook."""
    port = _port(settings)
    if port is None:
        return None
    command = ["-m", "sdpctl", "receiver", "--json", f"--port={port}", f"--use-case={use_case}"]
    return DemoReceiver(port, platform.keep_receiving(settings, command))


def parameters(settings: Settings, names: str, given: str) -> str:
    """What to deploy these use cases with so that the demo's receiver gets their messages."""
    file = _file(settings)
    chosen = names.replace(",", " ").split()
    known = tuple(name for name in usecases.NAMES if name in chosen)
    use_case = demo_chain.demonstrated(usecases.load(known).use_cases)
    if use_case is None or PARAMETER in given:
        file.unlink(missing_ok=True)
        return given
    port = platform.receiver_port(settings, _port(settings) or PORT)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(str(port))
    return f"{given} {use_case.name}.{PARAMETER}={url(port)}".strip()


def _port(settings: Settings) -> int | None:
    """The port that the last demo was deployed with."""
    file = _file(settings)
    return int(file.read_text()) if file.exists() else None


def _file(settings: Settings) -> Path:
    return settings.home / "demo" / "receiver-port"


if __name__ == "__main__":
    print(parameters(Settings.load(), *sys.argv[1:3]))
