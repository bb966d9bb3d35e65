"""`python -m sdpctl.local.mqtt.worker`: the process of the broker.

It may be killed at any time: what it has acknowledged is stored.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.errors import CommandError
from sdpctl.local import files
from sdpctl.local.mqtt.broker import serve
from sdpctl.local.mqtt.core import Core, deployed
from sdpctl.local.processes import Service, port_is_free, port_problem
from sdpctl.settings import Settings

LOOK_EVERY = 3.0
log = logging.getLogger("sdp.mqtt")


def service(settings: Settings) -> Service:
    """The process of the broker."""
    return Service("mqtt", settings)


def follow(settings: Settings) -> bool:
    """Start the broker where a rule is deployed, end it where none is; whether it was started."""
    broker = service(settings)
    if not deployed(settings):
        if broker.pid_file.exists():
            broker.kill()
        _state_file(settings).unlink(missing_ok=True)
        return False
    if broker.process():
        return False
    if problem := port_problem(settings.mqtt_port, "SDP_MQTT_PORT"):
        _say(settings, {"problem": problem})
        return False
    command = [str(settings.python("dev")), "-m", "sdpctl.local.mqtt.worker"]
    broker.start(command, settings.aws_environment())
    return True


def accepts(settings: Settings) -> bool:
    """Whether the broker accepts connections."""
    return bool(service(settings).process()) and not port_is_free(settings.mqtt_port)


def state(settings: Settings) -> dict[str, Any]:
    """What the broker last said: Counts."""
    with suppress(OSError, ValueError):
        said: dict[str, Any] = json.loads(_state_file(settings).read_bytes())
        return said
    return {}


def _state_file(settings: Settings) -> Path:
    return settings.home / "mqtt" / "state.json"


def _say(settings: Settings, what: dict[str, Any]) -> None:
    with suppress(OSError):
        _state_file(settings).parent.mkdir(parents=True, exist_ok=True)
        files.write(_state_file(settings), json.dumps(what))


async def run(settings: Settings) -> None:
    """Serve, and follow the control plane. Raises OSError if the port is in use."""
    core = Core(settings)
    await _look(core)
    broker = await serve(core, settings.mqtt_port)
    try:
        while True:
            _say(settings, asdict(core.counts))
            await asyncio.sleep(LOOK_EVERY)
            await _look(core)
    finally:
        await broker.shutdown()


async def _look(core: Core) -> None:
    """What cannot be read stays as it was."""
    try:
        core.follow(await asyncio.to_thread(core.look))
        core.counts.problem = ""
    except (BotoCoreError, ClientError, CommandError, ValueError) as error:
        core.counts.problem = f"{type(error).__name__}: {error}"
        log.warning("%s", core.counts.problem)


def main() -> None:
    """Entry point of the process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    asyncio.run(run(Settings.load()))


if __name__ == "__main__":
    main()
